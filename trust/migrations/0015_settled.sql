-- Where checks go, and what has not been seen yet.
--
--   unseen    of a challenger: a loss of unseen_loss_sd counts against it before its first window, in windows lost to the bound:
--             E = mean over l of (1 - l)^unseen prod (1 + l x). No test of a mean holds for losses of any size, because the rarest may
--             not have come yet (Bahadur & Savage 1956); how large a one is reckoned with has to be said. The mirror has none.
--   bar       a claim gets all checks where its first verdict would pass the screen now, max(contender_t, screen_floor_t, expected maximum
--             of as many trials), and where it is one of the best `contenders` of its slot that no verdict speaks against and that were not
--             tried yet. The bar only rises in a reign, and challengers are taken from the top: other checks would be for nothing.
--   audit     of an owner's claims: 1 - trust, and less where its share of honest events is below a newcomer's, in proportion. What nobody
--             has checked is told to nobody and challenges nobody, so a liar is checked for its own sake alone.
--   retraced  the share of checks that repeat the claim's own number: (1 - trust)^2. Both have the floor.
--   evidence  a claim that was refused counts there as one that lies over_clip too high: an invented number that is caught by repeating it
--             is no smaller a lie than one that the hidden windows show.

insert into board.constant (name, value, unit, note) values
  ('unseen_loss_sd', 5, 'standard deviations', 'a loss that a challenger has not shown yet, and that counts against it from the start');

alter table board.challenger add column unseen double precision not null default 0 check (unseen >= 0);
comment on column board.challenger.unseen is 'windows lost to the bound that count before the first: a loss that was not seen yet; 0 for a rollback';

-- Nobody states it: the database fills it in.
create function trust.unseen() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  new.unseen := case new.kind when 'challenge' then trust.constant('unseen_loss_sd') / trust.constant('clip_sd') else 0 end;
  return new;
end $$;
create trigger unseen before insert on board.challenger for each row execute function trust.unseen();
revoke execute on function trust.unseen() from public;

create or replace view trust.gate_path as
with bet as (
  select s.challenger_id, s.start_at, s.x,
    row_number() over w as n,
    c.unseen * ln(1 - l) + sum(ln(1 + l * s.x)) over w as log_wealth,
    sum(ln(1 - l * s.x)) over w as log_mirror
  from board.gate_step s join board.challenger c on c.id = s.challenger_id cross join unnest(array[0.05, 0.1, 0.2, 0.35, 0.5, 0.7]::double precision[]) as l
  window w as (partition by s.challenger_id, l order by s.start_at)
)
select challenger_id, start_at, x, n, avg(exp(greatest(-300, least(300, log_wealth)))) as e_value,
  avg(exp(greatest(-300, least(300, log_mirror)))) as mirror
from bet group by challenger_id, start_at, x, n;

create or replace view trust.event as
with result as not materialized (select * from trust.claim_result where checks > 0)
select owner, 'claims' as kind, claim_id as ref, honest,
  case when honest and trust.original(claim_id) is not null then 0 else informativeness end as weight,
  judged_at as market_at, claimed_gain, verified_gain, claim_id,
  case when verified_gain is not null then greatest(-(select trust.constant('over_clip_low')), least((select trust.constant('over_clip')),
    (claimed_gain - verified_gain) / greatest(sqrt(claimed_se ^ 2 + verified_se ^ 2), 1e-9)))
    else (select trust.constant('over_clip')) end as z
from result where honest is not null
union all
select v.owner, k.kind, v.id,
  case when v.finding = 'refused' then r.refusals * 2 > r.checks
    else r.refusals * 2 < r.checks and abs(v.verified_gain - r.verified_gain) <= (select trust.constant('verdict_tolerance')) end,
  1, v.market_at, null, null, r.claim_id, null
from result r join trust.first_verdict v on v.claim_id = r.claim_id
cross join lateral (values ('checks'), ('checks of ' || r.owner)) as k (kind)
where r.checks >= 2 and r.refusals * 2 <> r.checks
  and (r.refusals * 2 > r.checks or r.checks - r.refusals >= 3 or r.spread <= (select trust.constant('verdict_tolerance')))
union all
select owner, 'promotions', promotion_id, honest, 1, market_at, null, null, null, null from trust.promotion_event where counts_from < market.now();

-- As in 0007, but for audit.
create or replace view trust.owner as
with clock as (
  select market.now() as reading, trust.constant('half_life_days') as half_life_days, trust.constant('ladder_step') as step,
    trust.constant('prior_alpha') as prior_alpha, trust.constant('prior_beta') as prior_beta, trust.constant('lie_weight') as lie_weight,
    trust.constant('bound_z') as bound_z, trust.constant('audit_floor') as audit_floor,
    trust.constant('over_slack') as over_slack, trust.constant('over_common') as over_common, trust.constant('check_error') as check_error
), part as not materialized (
  select t.owner, t.kind, t.events, t.dishonest, t.scored, t.honest_weight * d.decay as honest_weight, t.dishonest_weight * d.decay as dishonest_weight, t.pull, t.mass,
    t.over_pull * d.decay as over_pull, t.over_mass * d.decay * d.decay as over_mass,
    t.over_weight * d.decay as over_weight
  from (
    select owner, kind, month, events, dishonest, scored, honest_weight::double precision, dishonest_weight::double precision, pull, mass,
      over_pull::double precision, over_mass::double precision, over_weight::double precision from trust.owner_tally
    union all
    select owner, kind, month, events, dishonest, scored, honest_weight::double precision, dishonest_weight::double precision, pull, mass,
      over_pull::double precision, over_mass::double precision, over_weight::double precision from trust.owner_change
  ) t cross join clock cross join lateral (select trust.decay(reading - t.month, half_life_days) as decay) d
  union all
  select m.owner, m.kind, 0, 0, 0, case when m.honest then w.over else 0 end, case when m.honest then 0 else w.over end, 0, 0,
    coalesce(w.over * m.z, 0), case when m.z is null then 0 else m.weight ^ 2 - (m.weight - w.over) ^ 2 end,
    case when m.z is null then 0 else w.over end
  from clock join trust.standing s on s.moved_at > reading cross join unnest(s.moves) m
  cross join lateral (select m.weight * (1 - trust.grown(m.market_at, half_life_days)
    * trust.decay(reading - date_trunc('month', m.market_at, 'UTC'), half_life_days)) as over) w
  where m.market_at > reading
  union all
  select e.owner, 'promotions', 1, (not e.honest)::int, 0, case when e.honest then w.weight else 0 end, case when e.honest then 0 else w.weight end, 0, 0, 0, 0, 0
  from trust.promotion_event e cross join clock cross join lateral (select trust.decay(reading - e.market_at, half_life_days) as weight) w
  where e.counts_from < reading
), tally as not materialized (
  select owner, kind, sum(events)::bigint as events, sum(dishonest)::bigint as dishonest, sum(honest_weight) as honest_weight,
    sum(dishonest_weight) as dishonest_weight, case when sum(scored) > 0 then (sum(pull) / nullif(sum(mass), 0))::double precision end as shrink,
    sum(over_pull) / nullif(sum(over_weight), 0) as excess, sum(over_weight) / nullif(sqrt(greatest(sum(over_mass), 0)), 0) as size,
    sum(over_pull) as over_pull, sum(over_weight) as over_weight, sum(over_mass) as over_mass
  from part group by owner, kind
), collusion as (
  -- An owner's mean over whom it has checked.
  select t.owner, avg(trust.check_evidence(coalesce(t.honest_weight, 0), coalesce(t.dishonest_weight, 0), check_error)) as evidence
  from tally t cross join clock where t.kind like 'checks of %' and t.events > 0 group by t.owner
), member as (
  select distinct owner, trust.kind_of(role) as kind from board.agent where trust.kind_of(role) is not null
), scored as (
  select m.owner, m.kind, coalesce(t.events, 0) as events, coalesce(t.dishonest, 0) as dishonest,
    prior_alpha + coalesce(t.honest_weight, 0) as alpha,
    prior_beta + lie_weight * coalesce(t.dishonest_weight, 0) as beta,
    t.shrink, prior_alpha, prior_beta, bound_z, audit_floor, over_slack, over_common, t.excess, t.size, t.over_pull, t.over_weight, t.over_mass
  from member m cross join clock
  left join tally t on t.owner = m.owner and t.kind = m.kind
), believed as (
  select *, trust.score(alpha, beta, bound_z) as score from scored
), common as (
  -- What the market did to everybody: the excess of the others, by how far they are believed.
  select *, sum(score * excess) over (partition by kind) - coalesce(score * excess, 0) as others_pull,
    sum(score) filter (where excess is not null) over (partition by kind) - case when excess is null then 0 else score end as others_score
  from believed
), compared as (
  select *, greatest(-over_common, least(over_common, case when others_score > 1e-9 then coalesce(others_pull, 0) / others_score else 0 end)) as market
  from common
), accused as (
  select p.*, (p.excess - p.market) * p.size as over, coalesce(case p.kind
    when 'claims' then case when p.excess is not null then trust.over_evidence(p.over_pull, p.over_weight, p.over_mass, p.over_slack + p.market) end
    when 'checks' then (select u.evidence from collusion u where u.owner = p.owner) end, 1) as evidence
  from compared p
)
select owner, kind, events, dishonest, alpha, beta, shrink, score / greatest(1, evidence) as trust,
  greatest(audit_floor, (1 - score / greatest(1, evidence))
    * case kind when 'claims' then least(1, alpha / (alpha + beta) / (prior_alpha / (prior_alpha + prior_beta))) else 1 end) as audit_probability, over, evidence
from accused;

-- As in 0007, but for bar and retraced.
create or replace view trust.check_need as
with setting as (
  select trust.constant('verdict_tolerance') as verdict_tolerance, trust.constant('screen_floor_t') as screen_floor_t, trust.constant('contender_t') as contender_t,
    trust.constant('min_challenger_trust') as min_challenger_trust, trust.constant('checks_to_promote') as checks_to_promote,
    trust.constant('contenders') as contenders, market.now() - trust.constant('contender_days') * interval '24 hours' as contender_from,
    market.now() - trust.constant('doubt_days') * interval '24 hours' as doubt_from, trust.constant('plant_share') as plant_share,
    trust.constant('hidden_queries') as hidden_queries, trust.constant('hidden_days') * 86400 as hidden_s, market.now() as reading
), claimant as materialized (
  select owner, trust, shrink, alpha / (alpha + beta) as honesty, (beta - trust.constant('prior_beta')) / (alpha + beta) as record, audit_probability,
    greatest(trust.constant('audit_floor'), (1 - trust) ^ 2) as retraced
  from trust.owner where kind = 'claims'
), reigning as materialized (
  select ch.*, coalesce((select s.verified_gain from trust.standing s where s.slot = ch.slot and s.honest order by s.told_gain desc, s.verified_gain desc limit 1), 0) as best_gain,
    greatest(setting.contender_t, setting.screen_floor_t, trust.expected_maximum(coalesce(t.n, 0))) as bar
  from setting cross join trust.champion ch left join trust.counted t on t.name = 'trial' and t.key = ch.slot || ' ' || ch.reign
), judge as materialized (
  select owner, audit_probability from trust.owner where kind = 'checks'
), doubted as materialized (
  -- Judged once, by somebody who is not to be taken at his word this time.
  select s.claim_id from setting cross join reigning ch
  join trust.standing s on s.slot = ch.slot and s.checks = 1 and s.judged_at > setting.doubt_from
  join trust.reign_standing r on r.claim_id = s.claim_id and r.reign = ch.reign and r.checks = 1
  cross join lateral (
    -- Not trust.first_verdict, which reads all verdicts before it is asked for one.
    select a.owner from board.verdict v join board.agent a on a.id = v.agent_id
    where v.claim_id = s.claim_id and v.reign = ch.reign order by v.at, v.id limit 1) v
  join judge j on j.owner = v.owner
  join board.claim c on c.id = s.claim_id
  where trust.draw(c.salt, 'doubt') < greatest(j.audit_probability, case when s.honest then (select o.record from claimant o where o.owner = s.owner) else 0 end)
), planted as materialized (
  -- What should be found is known: two agree, in this reign, and it will not challenge.
  select s.claim_id from setting cross join reigning ch
  join trust.standing s on s.slot = ch.slot and s.checks = 2 and s.judged_at > setting.doubt_from and s.judged_at >= ch.market_at
  join trust.reign_standing r on r.claim_id = s.claim_id and r.reign = ch.reign and r.checks = 2
    and r.spread <= setting.verdict_tolerance and r.refusals <> 1 and (r.refusals = 2 or r.champion_t <= ch.bar)
  join board.claim c on c.id = s.claim_id
  where trust.draw(c.salt, 'plant') < setting.plant_share
), queried as materialized (
  -- A refusal tells nothing of the hidden windows.
  select s.owner, r.slot, count(*) as n from reigning ch
  join trust.reign_standing r on r.slot = ch.slot and r.reign = ch.reign and r.checks > r.refusals
  join trust.standing s on s.claim_id = r.claim_id group by s.owner, r.slot
), promising as materialized (
  -- Of what would pass the screen and was not tried yet, the best few: no more are admitted before the next look.
  select p.claim_id from setting cross join (
    select r.claim_id, row_number() over (partition by r.slot order by r.champion_t desc, r.claim_id) as place
    from setting cross join reigning ch
    join trust.reign_standing r on r.slot = ch.slot and r.reign = ch.reign and r.champion_t > ch.bar and r.refusals = 0
      and r.spread <= setting.verdict_tolerance and r.artifact <> ch.artifact
    join trust.standing s on s.claim_id = r.claim_id
    join claimant o on o.owner = s.owner and o.trust >= setting.min_challenger_trust
    where not exists (select from board.challenger c where c.slot = r.slot and c.reign = r.reign and c.artifact = r.artifact)
  ) p where p.place <= setting.contenders
), found as (
  select claim_id from doubted
  union
  select claim_id from planted
  union
  select claim_id from promising
  union
  -- In doubt: two checkers apart, or half of them refusing.
  select r.claim_id from setting cross join reigning ch join trust.reign_standing r on r.slot = ch.slot and r.reign = ch.reign and r.open
    and (r.spread > setting.verdict_tolerance or r.refusals * 2 = r.checks)
  union
  select b.claim_id from setting cross join reigning ch cross join lateral (
    select s.claim_id, s.as_of from trust.standing s where s.slot = ch.slot and s.honest
    order by s.verified_gain - s.verified_se desc, s.spec_digest, s.claim_id limit setting.contenders::bigint) b
  where b.as_of > setting.contender_from
  union
  select s.claim_id from setting cross join claimant o cross join reigning ch
  join trust.standing s on s.owner = o.owner and s.slot = ch.slot and s.checks = 0
    and s.claimed_gain > case when o.shrink > 0 then ch.best_gain / o.shrink * (1 - 1e-9) else '-infinity' end
    and o.shrink * s.claimed_gain > ch.best_gain
  where o.trust >= setting.min_challenger_trust and o.shrink <> 0
  union
  select s.claim_id from claimant o join trust.standing s on s.owner = o.owner and s.checks = 0 and s.audit_draw < o.audit_probability
), placed as (
  select b.claim_id from setting cross join reigning ch cross join lateral (
    select s.claim_id from trust.standing s where s.slot = ch.slot and s.honest
    order by s.verified_gain - s.verified_se desc, s.spec_digest, s.claim_id limit setting.contenders::bigint) b
), need as (
  select s.claim_id, s.owner, s.slot, ch.reign, ch.artifact as champion, ch.market_at as reign_at, c.salt, s.as_of,
    coalesce(rr.checks, 0)::bigint as have,
    -- A weighted draw (Efraimidis & Spirakis 2006): owners are served by their share of honest events, newcomers at the prior's,
    -- whatever they claim, so that a liar's stream of claims waits and nobody starves.
    ln(greatest(s.queue_draw, 1e-9)) / o.honesty as priority,
    case
      when s.artifact = ch.artifact then 0
      -- In doubt: two checkers apart, or half of them refusing.
      when rr.checks between 1 and 2 and (rr.spread > verdict_tolerance or rr.refusals * 2 = rr.checks) then 3
      -- May challenge: all checks before it does.
      when s.claim_id in (select p.claim_id from promising p) then checks_to_promote
      when rr.checks = 1 and s.claim_id in (select d.claim_id from doubted d) then 2
      when rr.checks = 2 and s.claim_id in (select p.claim_id from planted p) then 3
      -- Known and good, but not measured against this champion yet.
      when s.honest and rr.checks is null and s.as_of > contender_from and s.claim_id in (select p.claim_id from placed p) then 1
      -- Never judged, and by what its owner's word has been worth so far better than anything verified: it may challenge.
      when s.checks = 0 and o.trust >= min_challenger_trust and o.shrink * s.claimed_gain > ch.best_gain then 1
      -- Never judged: audited with a probability that trust lowers and nobody can foresee.
      when s.checks = 0 and s.audit_draw < o.audit_probability then 1
      else 0
    end as wanted,
    trust.draw(c.salt, 'retrace') < o.retraced or coalesce(rr.refusals, 0) > 0 as retrace,
    hidden_queries * (1 + floor(greatest(0, extract(epoch from reading - ch.market_at)::double precision) / hidden_s)) - coalesce(q.n, 0) as left_over
  from found f cross join setting
  join trust.standing s on s.claim_id = f.claim_id
  join board.claim c on c.id = s.claim_id
  join reigning ch on ch.slot = s.slot
  join claimant o on o.owner = s.owner
  left join trust.reign_standing rr on rr.claim_id = s.claim_id and rr.reign = ch.reign
  left join queried q on q.owner = s.owner and q.slot = s.slot
), waiting as (
  select *, row_number() over (partition by owner, slot, have = 0 order by priority desc, claim_id) as place from need where have < wanted
)
select claim_id, owner, slot, reign, champion, reign_at, salt, as_of, have, priority, wanted, retrace
from waiting where have > 0 or place <= left_over;

select trust.rebuild();
