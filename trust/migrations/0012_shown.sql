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
  select e.owner, e.kind, e.ref, null, p.slot, e.honest, e.weight, e.market_at, null, null, null, '{}', null
  from trust.event e join board.promotion p on p.id = e.ref where e.kind = 'promotions'
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
grant select on trust.explanation to swarm_checker, swarm_publisher, swarm_reader;

-- What a briefing draws from, with how fresh each statement is.
create view trust.offered_pattern as
select p.id as pattern_id, p.slot, p.family, p.knob, p.low, p.high, s.scope, s.gain, s.sd, s.lot,
  trust.decay((select market.now()) - p.market_at, (select trust.constant('half_life_days'))) as freshness
from trust.pattern_standing s join board.pattern p on p.id = s.pattern_id;
grant select on trust.offered_pattern to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_reader;

comment on column board.briefing.items is 'what was told, and what had a chance and was not: [{kind, id, probability, weight, uniform, why, told}]';

-- What patterns are mined from: every judged claim, its gain as those who search may see it.
create view trust.verified_spec as
select s.claim_id, s.slot, c.family, c.spec, s.spec_digest, s.as_of, s.judged_at, s.told_gain as verified_gain
from trust.standing s join board.claim c on c.id = s.claim_id
where s.verified_gain is not null;
grant select on trust.verified_spec to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_reader;
