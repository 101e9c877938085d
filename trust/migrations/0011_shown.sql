-- What people are shown: how a number of trust comes about, event by event.
--
-- trust.explanation has one row for the prior of every owner and kind of work and one for each event. Its alpha and beta sum to
-- those of trust.owner, and weight * z over its rows makes the test of all claims together. It reads what trust.standing holds of
-- each claim, which is what the sums were made of.

create view trust.explanation as
with clock as (
  select market.now() as reading, trust.constant('half_life_days') as half_life_days, trust.constant('lie_weight') as lie_weight,
    trust.constant('prior_alpha') as prior_alpha, trust.constant('prior_beta') as prior_beta
), event as (
  select m.owner, m.kind, s.claim_id as ref, s.claim_id, s.slot, m.honest, m.weight, m.market_at, m.z, m.claimed_gain, m.verified_gain,
    array(select v.id from trust.first_verdict v where v.claim_id = s.claim_id order by v.id) as verdicts,
    -- Only a copy weighs nothing.
    case when m.honest and m.weight = 0 then trust.original(s.claim_id) end as copy_of
  from trust.standing s cross join unnest(s.moves) m where m.kind = 'claims'
  union all
  select m.owner, m.kind, v.id, s.claim_id, s.slot, m.honest, m.weight, m.market_at, null, null, v.verified_gain, array[v.id], null
  from trust.standing s cross join unnest(s.moves) m
  join trust.first_verdict v on v.claim_id = s.claim_id and v.owner = m.owner
  where m.kind = 'checks'
  union all
  select e.owner, 'promotions', e.promotion_id, null, e.slot, e.honest, 1, e.market_at, null, null, null, '{}', null from trust.promotion_event e
  where e.counts_from < market.now()
)
select o.owner, o.kind, true as prior, null::uuid as ref, null::uuid as claim_id, null::text as slot, null::boolean as honest, null::double precision as weight,
  null::double precision as decay, prior_alpha as alpha, prior_beta as beta, null::double precision as z, null::double precision as claimed_gain,
  null::double precision as verified_gain, null::timestamptz as market_at, '{}'::uuid[] as verdicts, null::uuid as copy_of
from (select distinct owner, trust.kind_of(role) as kind from board.agent where trust.kind_of(role) is not null) o cross join clock
union all
select e.owner, e.kind, false, e.ref, e.claim_id, e.slot, e.honest, e.weight, d.decay,
  case when e.honest then e.weight * d.decay else 0 end, case when e.honest then 0 else lie_weight * e.weight * d.decay end,
  e.z, e.claimed_gain, e.verified_gain, e.market_at, e.verdicts, e.copy_of
from event e cross join clock cross join lateral (select trust.decay(reading - e.market_at, half_life_days) as decay) d;

comment on view trust.explanation is 'How every number of trust comes about: its prior and its events. alpha and beta sum to those of trust.owner.';
grant select on trust.explanation to swarm_publisher, swarm_reader;

-- What a briefing draws from, with when it was stated. How fresh that is is for the reader to say: market.now() is volatile, and a view that
-- calls it is sorted in full instead of read from an index.
create or replace view trust.told_pattern as
select p.id as pattern_id, p.slot, p.family, p.knob, p.low, p.high, s.scope, s.gain, s.sd, s.lot, p.market_at
from trust.pattern_standing s join board.pattern p on p.id = s.pattern_id;

comment on column board.briefing.items is 'what was told, and what had a chance and was not: [{kind, id, probability, weight, uniform, why, told}]';

-- What patterns are mined from: every judged claim, its gain as those who search may see it.
create view trust.verified_spec as
select s.claim_id, s.slot, c.family, c.spec, s.spec_digest, s.as_of, s.judged_at, s.told_gain as verified_gain
from trust.standing s join board.claim c on c.id = s.claim_id
where s.verified_gain is not null;
grant select on trust.verified_spec to swarm_explorer, swarm_optimizer, swarm_publisher, swarm_reader;

-- What telling an item did, by inverse-probability weighting (Horvitz & Thompson 1952, in Hajek's form): a decision that was told an item
-- with chance p stands for 1/p decisions, one that was not for 1/(1-p). Chances follow from what is known of a slot, and so does how
-- good its experiments are: the plain difference between told and untold confuses the two, the weighted one does not.
--
--   outcome   gain of the decision's experiment on public windows within +-uplift_clip, 0 when it came to nothing; by its owner's trust,
--             so that nobody raises an item by what he says. Verified gains exist only for what was worth a check, and would mislead.
--   left out  items that were certain, decisions of before chances were written down, and the control, which does not listen

insert into board.constant (name, value, unit, note) values
  ('uplift_clip', 0.2, 'gain', 'one decision says at most this much of an item');

create view trust.told_outcome as
select d.id as decision_id, d.slot, d.at, i.item ->> 'id' as item_id, (i.item ->> 'told')::boolean as told, (i.item ->> 'probability')::double precision as probability,
  o.trust, greatest(-clip.value, least(clip.value, coalesce(e.gain, 0))) as outcome
from board.decision d
join board.briefing b on b.id = d.briefing_id
cross join lateral jsonb_array_elements(b.items) as i (item)
join board.agent a on a.id = d.agent_id
join trust.owner o on o.owner = a.owner and o.kind = 'claims'
join board.constant clip on clip.name = 'uplift_clip'
left join board.experiment e on e.decision_id = d.id
where i.item ? 'told' and d.strategist <> 'random'
  and (e.id is not null or exists (select from board.attempt t where t.decision_id = d.id));

create view fleet.uplift as
with weighed as (
  select item_id, told, outcome, trust / case when told then probability else 1 - probability end as w
  from trust.told_outcome where probability > 0 and probability < 1 and trust > 0
), side as (
  select item_id, told, count(*) as n, sum(w) as mass, sum(w * outcome) / sum(w) as mean from weighed group by item_id, told
), spread as (
  select w.item_id, w.told, s.n, s.mean, sum((w.w * (w.outcome - s.mean)) ^ 2) / s.mass ^ 2 as variance
  from weighed w join side s on s.item_id = w.item_id and s.told = w.told group by w.item_id, w.told, s.n, s.mass, s.mean
)
select p.id as pattern_id, p.slot, p.family, p.knob, p.low, p.high, t.n as told, u.n as untold, t.mean as told_gain, u.mean as untold_gain,
  t.mean - u.mean as uplift, case when t.n > 1 and u.n > 1 then sqrt(t.variance + u.variance) end as uplift_se
from spread t
join spread u on u.item_id = t.item_id and not u.told
join board.pattern p on p.id = t.item_id::uuid
where t.told;

-- Everybody who decides beside the control, which searches at random.
create view fleet.strategists as
select d.strategist, count(*) as decisions, count(e.id) as experiments, avg(w.gain) as mean_gain,
  case when count(e.id) > 1 then stddev_samp(w.gain) / sqrt(count(e.id)) end as mean_gain_se
from board.decision d
join board.constant clip on clip.name = 'uplift_clip'
left join board.experiment e on e.decision_id = d.id
cross join lateral (select case when e.id is not null then greatest(-clip.value, least(clip.value, e.gain)) end as gain) w
group by d.strategist;

grant select on trust.told_outcome to swarm_publisher, swarm_reader;
grant select on fleet.uplift, fleet.strategists to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator,
  swarm_feed, swarm_relay, swarm_reader;

comment on view fleet.uplift is 'What telling each pattern did to decisions, by inverse-probability weighting.';
comment on column fleet.uplift.pattern_id is 'of board.pattern';
comment on column fleet.uplift.slot is 'competition and asset; null: of every slot';
comment on column fleet.uplift.family is 'family of models it speaks of; null: any';
comment on column fleet.uplift.knob is 'parameter it speaks of; null: none';
comment on column fleet.uplift.low is 'least value of the knob';
comment on column fleet.uplift.high is 'largest value of the knob';
comment on column fleet.uplift.told is 'decisions that were told it';
comment on column fleet.uplift.untold is 'decisions that might have been';
comment on column fleet.uplift.told_gain is 'mean outcome where it was told, each decision by how unlikely that was';
comment on column fleet.uplift.untold_gain is 'the same where it was not';
comment on column fleet.uplift.uplift is 'told_gain - untold_gain: positive is better';
comment on column fleet.uplift.uplift_se is 'its standard error; null where a side has fewer than two';
comment on view fleet.strategists is 'Ways of deciding beside the control, which searches at random: what their experiments gained on public windows.';
comment on column fleet.strategists.strategist is 'name of the way; random is the control';
comment on column fleet.strategists.decisions is 'decisions made';
comment on column fleet.strategists.experiments is 'those that led to an experiment';
comment on column fleet.strategists.mean_gain is 'mean gain over the yardstick on public windows, each within bounds';
comment on column fleet.strategists.mean_gain_se is 'its standard error; null below two';
