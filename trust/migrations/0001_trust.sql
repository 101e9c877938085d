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
language sql stable parallel safe security definer set search_path = pg_catalog as $$
  select value from board.constant where name = constant_name
$$;

create function trust.score(alpha double precision, beta double precision) returns double precision
language sql stable as $$
  select greatest(0, alpha / (alpha + beta)
    - trust.constant('bound_z') * sqrt(alpha * beta / ((alpha + beta) ^ 2 * (alpha + beta + 1))))
$$;

create function trust.decay(happened timestamptz, reading timestamptz) returns double precision
language sql stable as $$
  select 2 ^ (-greatest(0, extract(epoch from reading - happened)::double precision / 86400) / trust.constant('half_life_days'))
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

-- The first reign in which a claim was judged decides about its author; later reigns only ask who may challenge.
create view trust.first_verdict as
select distinct on (v.claim_id, a.owner) v.*, a.owner
from board.verdict v
join board.agent a on a.id = v.agent_id
where v.reign = (select min(w.reign) from board.verdict w where w.claim_id = v.claim_id)
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
    else claimed_gain - verified_gain <= trust.constant('honest_z') * sqrt(claimed_se ^ 2 + verified_se ^ 2)
  end as honest,
  case
    when verified_se is null then 1
    else coalesce(least(1, (2 * verified_se / nullif(claimed_se, 0)) ^ 2), 1)
  end as informativeness
from compared;

create view trust.event as
select owner, 'claims' as kind, claim_id as ref, honest, informativeness as weight, judged_at as market_at
from trust.claim_result where honest is not null
union all
select v.owner, 'checks', v.id,
  case when v.finding = 'refused' then o.refusals * 2 > o.others
    else o.refusals * 2 < o.others and abs(v.verified_gain - o.verified_gain) <= trust.constant('verdict_tolerance') end,
  1, v.market_at
from trust.first_verdict v
cross join lateral (
  select count(*) as others, count(*) filter (where w.finding = 'refused') as refusals,
    percentile_cont(0.5) within group (order by w.verified_gain) as verified_gain
  from trust.first_verdict w where w.claim_id = v.claim_id and w.owner <> v.owner
) o
where o.others >= 1
union all
select a.owner, 'promotions', p.id, coalesce(n.kind, '') <> 'rollback', 1, p.market_at
from board.promotion p
join board.agent a on a.id = p.agent_id
left join board.promotion n on n.slot = p.slot and n.reign = p.reign + 1
where p.kind <> 'found'
  and (n.id is not null or p.market_at < market.now() - trust.constant('publisher_survival_days') * interval '1 day');

create view trust.owner as
with clock as (select market.now() as reading),
tally as (
  select owner, kind, count(*) as events, count(*) filter (where not honest) as dishonest,
    sum(weight * trust.decay(market_at, clock.reading)) filter (where honest) as honest_weight,
    sum(weight * trust.decay(market_at, clock.reading)) filter (where not honest) as dishonest_weight
  from trust.event cross join clock group by owner, kind
), shrinkage as (
  select owner, sum(informativeness * claimed_gain * verified_gain) / nullif(sum(informativeness * claimed_gain ^ 2), 0) as shrink
  from trust.claim_result where verified_gain is not null group by owner
), member as (
  select distinct owner, trust.kind_of(role) as kind from board.agent where trust.kind_of(role) is not null
), scored as (
  select m.owner, m.kind, coalesce(t.events, 0) as events, coalesce(t.dishonest, 0) as dishonest,
    trust.constant('prior_alpha') + coalesce(t.honest_weight, 0) as alpha,
    trust.constant('prior_beta') + trust.constant('lie_weight') * coalesce(t.dishonest_weight, 0) as beta,
    case when m.kind = 'claims' then s.shrink end as shrink
  from member m
  left join tally t on t.owner = m.owner and t.kind = m.kind
  left join shrinkage s on s.owner = m.owner
)
select owner, kind, events, dishonest, alpha, beta, shrink, trust.score(alpha, beta) as trust,
  greatest(trust.constant('audit_floor'), 1 - trust.score(alpha, beta)) as audit_probability
from scored;

create view trust.champion as
select distinct on (slot) slot, reign, artifact, family, kind, market_at, previous
from board.promotion order by slot, reign desc;

-- What a reign's verdicts say of a claim: medians over checkers of different owners.
create view trust.reign_result as
select v.claim_id, v.reign, count(distinct a.owner) as checks,
  count(distinct a.owner) filter (where v.finding = 'refused') as refusals,
  percentile_cont(0.5) within group (order by v.champion_t) as champion_t,
  percentile_cont(0.5) within group (order by v.champion_crps) as champion_crps,
  percentile_cont(0.5) within group (order by v.difference_sd) as difference_sd,
  coalesce(max(v.verified_gain) - min(v.verified_gain), 0) as spread
from board.verdict v join board.agent a on a.id = v.agent_id
group by v.claim_id, v.reign;

-- Claims that still need a verdict in the current reign of their slot, most promising first.
create view trust.check_need as
with ranked as (
  select r.*, row_number() over (partition by r.slot order by r.verified_gain - r.verified_se desc nulls last, r.spec_digest) as place
  from trust.claim_result r where r.checks > 0 and r.honest
), need as (
  select r.claim_id, r.owner, r.slot, ch.reign, ch.artifact as champion, ch.market_at as reign_at, c.salt, c.as_of,
    coalesce(rr.checks, 0) as have,
    coalesce(o.shrink, 0) * r.claimed_gain as expected_gain,
    case
      when r.artifact = ch.artifact then 0
      -- In doubt: two checkers apart, or half of them refusing.
      when coalesce(rr.checks, 0) between 1 and 2
        and (rr.spread > trust.constant('verdict_tolerance') or rr.refusals * 2 = rr.checks) then 3
      -- May challenge: all checks before it does.
      when rr.checks > rr.refusals and rr.champion_t > trust.constant('contender_t')
        and o.trust >= trust.constant('min_challenger_trust') then trust.constant('checks_to_promote')
      -- Known and good, but not measured against this champion yet.
      when r.checks > 0 and rr.checks is null and k.place <= trust.constant('contenders')
        and r.as_of > market.now() - trust.constant('contender_days') * interval '1 day' then 1
      -- Never judged: audited with a probability that trust lowers and nobody can foresee.
      when r.checks = 0 and ('x' || substr(md5(c.salt::text), 1, 8))::bit(32)::bigint / 4294967296.0 < o.audit_probability then 1
      else 0
    end as wanted
  from trust.claim_result r
  join board.claim c on c.id = r.claim_id
  join trust.champion ch on ch.slot = r.slot
  join trust.owner o on o.owner = r.owner and o.kind = 'claims'
  left join trust.reign_result rr on rr.claim_id = r.claim_id and rr.reign = ch.reign
  left join ranked k on k.claim_id = r.claim_id
)
select * from need where have < wanted;

-- Whose turn it is: live checkers of other owners, in an order drawn by the claim's salt, which its author did not choose.
create view trust.check_turn as
with eligible as (
  select n.*, a.id as checker_id,
    row_number() over (partition by n.claim_id order by md5(n.salt::text || a.name)) as turn
  from trust.check_need n
  join board.agent a on a.role = 'checker' and a.owner <> n.owner
  join board.presence p on p.agent_id = a.id and p.beat_at > clock_timestamp() - trust.constant('presence_s') * interval '1 second'
  where not exists (
    select from board.verdict v join board.agent b on b.id = v.agent_id
    where v.claim_id = n.claim_id and v.reign = n.reign and b.owner = a.owner)
)
select * from eligible where turn <= wanted - have;
