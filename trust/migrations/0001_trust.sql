-- Trust: what the verified history says about an owner, a claim, a pattern and a model. Views only: anyone who may
-- read the history recomputes the same numbers, and nobody can write them.
--
--   honest    (claimed - verified) / sqrt(se_claimed^2 + se_verified^2) <= honest_z, one-sided
--   weight    2^(-age / half life, in market time) * min(1, (2 se_verified / se_claimed)^2)
--   trust     max(0, mean - bound_z sd) of Beta(prior_alpha + honest weight, prior_beta + lie_weight * dishonest weight)
--
-- Only verdicts by other owners move a claimant's trust; agreement with the median of the others moves a checker's;
-- promotions that live scores do not reverse move a publisher's. One formula, three kinds of event.

create schema trust;

insert into board.constant (name, value, unit, note) values
  ('half_life_days', 14, 'market days', 'an event counts half after this long'),
  ('honest_z', 2, 'standard errors', 'a claim further above its verdict than this is an over-claim'),
  ('prior_alpha', 1, 'events', 'Beta prior'),
  ('prior_beta', 3, 'events', 'Beta prior: a newcomer starts at 0'),
  ('lie_weight', 4, 'honest events', 'what one over-claim costs'),
  ('bound_z', 1.64, 'standard deviations', 'trust is a lower bound'),
  ('audit_floor', 0.05, 'probability', 'a routine claim is re-run at least this often'),
  ('verdict_tolerance', 0.002, 'gain', 'two checkers further apart than this disagree'),
  ('checks_to_promote', 3, 'checker owners', 'verdicts that a model needs before it may challenge'),
  ('min_challenger_trust', 0.05, 'trust', 'models of owners below this never challenge'),
  ('contender_t', 1, 't', 'first verdict against the champion that earns a claim its full set of checks'),
  ('contender_days', 20, 'market days', 'claims older than this are not checked again in a new reign'),
  ('contenders', 4, 'claims', 'best claims of a slot that are checked against a new champion'),
  ('screen_floor_t', 1, 't', 'replay screen: never pass below this, however few the trials'),
  ('gate_alpha', 0.05, 'probability', 'false promotions per reign, spent over its challengers'),
  ('rollback_alpha', 0.2, 'probability', 'the reverse test after a promotion'),
  ('gate_floor_windows', 60, 'windows', 'no promotion on fewer live windows'),
  ('rollback_floor_windows', 24, 'windows', 'no rollback on fewer live windows'),
  ('gate_max_windows', 500, 'windows', 'a challenger that has not passed by then is dropped'),
  ('mirror_limit', 20, 'e-value', 'rejection: evidence that the challenger is worse'),
  ('clip_sd', 3, 'standard deviations', 'differences are clipped here'),
  ('concurrent_challengers', 2, 'models', 'shadows of a slot at one time'),
  ('publisher_survival_days', 2, 'market days', 'a promotion that lasts this long counts for its publisher'),
  ('pattern_tau', 0.02, 'gain', 'prior spread of a pattern''s effect'),
  ('ladder_step', 0.001, 'gain', 'verified gains are rounded to this before those who search see them'),
  ('presence_s', 15, 's', 'an agent without a heartbeat for this long counts as gone');

create function trust.constant(constant_name text) returns double precision
language sql stable parallel safe security definer set search_path = pg_catalog, pg_temp as $$
  select value from board.constant where name = constant_name
$$;

create function trust.score(alpha double precision, beta double precision, bound_z double precision) returns double precision
language sql immutable as $$
  select greatest(0, alpha / (alpha + beta) - bound_z * sqrt(alpha * beta / ((alpha + beta) ^ 2 * (alpha + beta + 1))))
$$;

-- A hundred half-lives are as good as for ever, and keep the power away from underflow.
create function trust.decay(age interval, half_life_days double precision) returns double precision
language sql immutable as $$
  select 2 ^ (-least(100, greatest(0, extract(epoch from age)::double precision / 86400 / half_life_days)))
$$;

-- What leaves the hidden windows is rounded (Blum & Hardt 2015): nobody climbs them by small steps.
create function trust.ladder(gain double precision, step double precision) returns double precision
language sql immutable as $$
  select round(gain / step) * step
$$;

-- Inverse of the standard normal distribution (P. J. Acklam's rational approximation, |relative error| < 1.2e-9).
create function trust.probit(p double precision) returns double precision
language plpgsql immutable strict as $$
declare
  q double precision;
  r double precision;
begin
  if p <= 0 or p >= 1 then
    raise exception 'probit of % is not defined', p using errcode = '22003';
  elsif p < 0.02425 or p > 1 - 0.02425 then
    q := sqrt(-2 * ln(least(p, 1 - p)));
    r := (((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838) * q - 2.549732539343734) * q
        + 4.374664141464968) * q + 2.938163982698783)
      / ((((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996) * q + 3.754408661907416) * q + 1);
    return case when p < 0.5 then r else -r end;
  end if;
  q := p - 0.5;
  r := q * q;
  return (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r + 1.383577518672690e+02) * r
      - 3.066479806614716e+01) * r + 2.506628277459239) * q
    / (((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r + 6.680131188771972e+01) * r
      - 1.328068155288572e+01) * r + 1);
end $$;

-- Expected largest of n independent standard normals (Bailey & Lopez de Prado 2014, eq. 1); 0 for one.
create function trust.expected_maximum(n bigint) returns double precision
language sql immutable as $$
  select case when n <= 1 then 0.0
    else (1 - 0.5772156649015329) * trust.probit(1 - 1.0 / n) + 0.5772156649015329 * trust.probit(1 - exp(-1.0::double precision) / n) end
$$;

create function trust.kind_of(role text) returns text
language sql immutable as $$
  select case when role in ('explorer', 'optimizer') then 'claims' when role = 'checker' then 'checks' when role = 'publisher' then 'promotions' end
$$;

-- A number in [0, 1) that a claim's salt decides: its author could not foresee it, and everybody computes the same.
create function trust.draw(salt uuid, purpose text) returns double precision
language sql immutable as $$
  select ('x' || substr(md5(salt::text || purpose), 1, 8))::bit(32)::bigint / 4294967296.0
$$;

-- One verdict per owner, claim and reign: the first. An owner's second checker adds nothing.
create view trust.owner_verdict as
select distinct on (v.claim_id, v.reign, a.owner) v.id, v.claim_id, v.reign, a.owner, v.at, v.market_at, v.finding,
  v.verified_gain, v.verified_se, v.champion_t, v.champion_crps, v.difference_sd
from board.verdict v join board.agent a on a.id = v.agent_id
order by v.claim_id, v.reign, a.owner, v.at, v.id;

-- The first reign in which a claim was judged decides about its author; later reigns only ask who may challenge.
create view trust.first_verdict as
select distinct on (v.claim_id, a.owner) v.id, v.claim_id, v.reign, a.owner, v.market_at, v.finding, v.verified_gain, v.verified_se
from (select claim_id, min(reign) as reign from board.verdict group by claim_id) f
join board.verdict v on v.claim_id = f.claim_id and v.reign = f.reign
join board.agent a on a.id = v.agent_id
order by v.claim_id, a.owner, v.at, v.id;

create view trust.claim_result as
with judged as (
  select claim_id, count(*) as checks, count(*) filter (where finding = 'refused') as refusals,
    percentile_cont(0.5) within group (order by verified_gain) as verified_gain,
    percentile_cont(0.5) within group (order by verified_se) as verified_se,
    coalesce(max(verified_gain) - min(verified_gain), 0) as spread,
    min(market_at) as judged_at
  from trust.first_verdict group by claim_id
), compared as (
  select c.id as claim_id, a.owner, c.agent_id, c.slot, c.family, c.spec, c.spec_digest, c.artifact, c.as_of, c.market_at as claimed_at,
    c.claimed_gain, c.claimed_se, coalesce(j.checks, 0) as checks, coalesce(j.refusals, 0) as refusals,
    case when j.refusals * 2 < j.checks then j.verified_gain end as verified_gain,
    case when j.refusals * 2 < j.checks then j.verified_se end as verified_se,
    coalesce(j.spread, 0) as spread, j.judged_at
  from board.claim c
  join board.agent a on a.id = c.agent_id
  left join judged j on j.claim_id = c.id
)
select *,
  case
    when checks = 0 or refusals * 2 = checks then null
    when refusals * 2 > checks then false
    else claimed_gain - verified_gain <= (select trust.constant('honest_z')) * sqrt(claimed_se ^ 2 + verified_se ^ 2)
  end as honest,
  -- 1e-9: a standard error of 0 keeps its meaning, and no ratio overflows.
  case
    when verified_se is null then 1
    else least(1, 2 * greatest(verified_se, 1e-9) / greatest(claimed_se, 1e-9)) ^ 2
  end as informativeness
from compared;

-- What moves an owner. A check counts once the checks of its claim are settled (two agree, or three were made):
-- against the majority and the median of all of them, so that one outlier condemns itself and not the others.
create view trust.event as
with result as materialized (select * from trust.claim_result where checks > 0)
select owner, 'claims' as kind, claim_id as ref, honest, informativeness as weight, judged_at as market_at, claimed_gain, verified_gain
from result where honest is not null
union all
select v.owner, 'checks', v.id,
  case when v.finding = 'refused' then r.refusals * 2 > r.checks
    else r.refusals * 2 < r.checks and abs(v.verified_gain - r.verified_gain) <= (select trust.constant('verdict_tolerance')) end,
  1, v.market_at, null, null
from result r join trust.first_verdict v on v.claim_id = r.claim_id
where r.checks >= 2 and r.refusals * 2 <> r.checks
  and (r.refusals * 2 > r.checks or r.checks - r.refusals >= 3 or r.spread <= (select trust.constant('verdict_tolerance')))
union all
select a.owner, 'promotions', p.id, coalesce(n.kind, '') <> 'rollback', 1, p.market_at, null, null
from board.promotion p
join board.agent a on a.id = p.agent_id
left join board.promotion n on n.slot = p.slot and n.reign = p.reign + 1
where p.kind <> 'found'
  and (n.id is not null or p.market_at < market.now() - (select trust.constant('publisher_survival_days')) * interval '24 hours');

-- shrink is computed from gains as the ladder shows them: exact ones would let an owner of one claim work back to its verdict.
create view trust.owner as
with clock as (
  select market.now() as reading, trust.constant('half_life_days') as half_life_days, trust.constant('ladder_step') as step,
    trust.constant('prior_alpha') as prior_alpha, trust.constant('prior_beta') as prior_beta, trust.constant('lie_weight') as lie_weight,
    trust.constant('bound_z') as bound_z, trust.constant('audit_floor') as audit_floor
), tally as (
  select owner, kind, count(*) as events, count(*) filter (where not honest) as dishonest,
    sum(weight * trust.decay(reading - market_at, half_life_days)) filter (where honest) as honest_weight,
    sum(weight * trust.decay(reading - market_at, half_life_days)) filter (where not honest) as dishonest_weight,
    sum(weight * claimed_gain * trust.ladder(verified_gain, step)) / nullif(sum(weight * claimed_gain ^ 2) filter (where verified_gain is not null), 0) as shrink
  from trust.event cross join clock group by owner, kind
), member as (
  select distinct owner, trust.kind_of(role) as kind from board.agent where trust.kind_of(role) is not null
), scored as (
  select m.owner, m.kind, coalesce(t.events, 0) as events, coalesce(t.dishonest, 0) as dishonest,
    prior_alpha + coalesce(t.honest_weight, 0) as alpha,
    prior_beta + lie_weight * coalesce(t.dishonest_weight, 0) as beta,
    t.shrink, bound_z, audit_floor
  from member m cross join clock
  left join tally t on t.owner = m.owner and t.kind = m.kind
)
select owner, kind, events, dishonest, alpha, beta, shrink, trust.score(alpha, beta, bound_z) as trust,
  greatest(audit_floor, 1 - trust.score(alpha, beta, bound_z)) as audit_probability
from scored;

create view trust.champion as
select distinct on (slot) slot, reign, artifact, family, kind, market_at, previous
from board.promotion order by slot, reign desc;

-- What a reign's verdicts say of a claim: medians over checkers of different owners.
create view trust.reign_result as
select claim_id, reign, count(*) as checks, count(*) filter (where finding = 'refused') as refusals,
  percentile_cont(0.5) within group (order by champion_t) as champion_t,
  percentile_cont(0.5) within group (order by champion_crps) as champion_crps,
  percentile_cont(0.5) within group (order by difference_sd) as difference_sd,
  coalesce(max(verified_gain) - min(verified_gain), 0) as spread
from trust.owner_verdict group by claim_id, reign;

-- Claims that still need a verdict in the current reign of their slot, with their place in the queue.
-- Everything of a claim is joined in one step: joined later, to few estimated rows, it became nested loops [5,000 claims: 2 s].
create view trust.check_need as
with setting as (
  select trust.constant('verdict_tolerance') as verdict_tolerance, trust.constant('contender_t') as contender_t,
    trust.constant('min_challenger_trust') as min_challenger_trust, trust.constant('checks_to_promote') as checks_to_promote,
    trust.constant('contenders') as contenders, market.now() - trust.constant('contender_days') * interval '24 hours' as contender_from
), reigning as materialized (
  select v.* from trust.reign_result v join board.claim c on c.id = v.claim_id join trust.champion ch on ch.slot = c.slot and ch.reign = v.reign
), result as materialized (
  select r.*, c.salt, rr.checks as have, rr.refusals as have_refusals, rr.spread as have_spread, rr.champion_t,
    row_number() over (partition by r.slot, r.checks > 0 and r.honest
      order by r.verified_gain - r.verified_se desc nulls last, r.spec_digest, r.claim_id) as place,
    coalesce(max(r.verified_gain) filter (where r.honest) over (partition by r.slot), 0) as best_gain
  from trust.claim_result r join board.claim c on c.id = r.claim_id left join reigning rr on rr.claim_id = r.claim_id
), claimant as materialized (
  select owner, trust, shrink, alpha / (alpha + beta) as honesty, audit_probability from trust.owner where kind = 'claims'
), need as (
  select r.claim_id, r.owner, r.slot, ch.reign, ch.artifact as champion, ch.market_at as reign_at, r.salt, r.as_of,
    coalesce(r.have, 0) as have,
    -- A weighted draw (Efraimidis & Spirakis 2006): owners are served by their share of honest events, newcomers at the prior's,
    -- whatever they claim, so that a liar's stream of claims waits and nobody starves.
    ln(greatest(trust.draw(r.salt, 'queue'), 1e-9)) / o.honesty as priority,
    case
      when r.artifact = ch.artifact then 0
      -- In doubt: two checkers apart, or half of them refusing.
      when r.have between 1 and 2 and (r.have_spread > verdict_tolerance or r.have_refusals * 2 = r.have) then 3
      -- May challenge: all checks before it does.
      when r.have > r.have_refusals and r.champion_t > contender_t and o.trust >= min_challenger_trust then checks_to_promote
      -- Known and good, but not measured against this champion yet.
      when r.honest and r.have is null and r.place <= contenders and r.as_of > contender_from then 1
      -- Never judged, and by what its owner's word has been worth so far better than anything verified: it may challenge.
      when r.checks = 0 and o.trust >= min_challenger_trust and o.shrink * r.claimed_gain > r.best_gain then 1
      -- Never judged: audited with a probability that trust lowers and nobody can foresee.
      when r.checks = 0 and trust.draw(r.salt, 'audit') < o.audit_probability then 1
      else 0
    end as wanted
  from result r cross join setting
  join trust.champion ch on ch.slot = r.slot
  join claimant o on o.owner = r.owner
)
select * from need where have < wanted;

-- Whose turn it is: live checkers of other owners, in an order drawn by the claim's salt, which its author did not choose.
-- Owners are drawn, one checker of each: more checkers do not make an owner's turn likelier.
create view trust.check_turn as
with live as (
  select a.id, a.owner, a.name from board.agent a join board.presence p on p.agent_id = a.id
  where a.role = 'checker' and p.beat_at > clock_timestamp() - (select trust.constant('presence_s')) * interval '1 second'
), sent as (
  select distinct on (n.claim_id, l.owner) n.*, l.id as checker_id, l.owner as checker_owner
  from trust.check_need n join live l on l.owner <> n.owner
  where not exists (
    select from board.verdict v join board.agent b on b.id = v.agent_id
    where v.claim_id = n.claim_id and v.reign = n.reign and b.owner = l.owner)
  order by n.claim_id, l.owner, md5(n.salt::text || l.name)
), drawn as (
  select *, row_number() over (partition by claim_id order by md5(salt::text || checker_owner)) as turn from sent
)
select * from drawn where turn <= wanted - have;
