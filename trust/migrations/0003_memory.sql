-- Memory: what agents are told. Patterns weigh what verified experiments that match them gained over those that do not;
-- specs are ranked by the lower bound of their verified gain, rounded so that nobody climbs the hidden windows.

-- Parameter by parameter rather than a whole row: so the planner inlines it.
create function trust.matches(spec jsonb, slot text, p_slot text, p_family text, p_knob text, p_low double precision, p_high double precision)
returns boolean language sql immutable as $$
  select (p_slot is null or p_slot = slot)
    and (p_family is null or p_family = spec ->> 'family')
    and (p_knob is null or case when jsonb_typeof(spec -> p_knob) = 'number'
      then (spec -> p_knob)::numeric between p_low::numeric and p_high::numeric else false end)
$$;

-- Pattern by pattern, so that a reader of one slot pays for that slot's patterns alone.
create view trust.pattern_weight as
with setting as (
  select trust.constant('pattern_tau') as tau, trust.constant('ladder_step') as step
), result as materialized (
  select owner, slot, spec, verified_gain, greatest(verified_se, 1e-4) ^ 2 as variance
  from trust.claim_result where verified_gain is not null
), believed as materialized (
  select owner, trust from trust.owner where kind = 'claims'
)
select p.id as pattern_id, a.owner, p.slot, p.family, p.knob, p.low, p.high, p.direction, p.effect, p.note, p.market_at,
  trust.ladder(coalesce(w.pull / w.precision, 0), step) as gain,
  coalesce(1 / sqrt(w.precision), tau) as sd,
  coalesce(w.n_eff, 0) as n_eff
from board.pattern p cross join setting
join board.agent a on a.id = p.agent_id
cross join lateral (
  with evidence as materialized (
    select r.owner, r.slot, r.verified_gain, r.variance,
      trust.matches(r.spec, r.slot, p.slot, p.family, p.knob, p.low, p.high) as hit
    from result r where p.slot is null or p.slot = r.slot
  ), control as materialized (
    select slot, sum(verified_gain / variance) / sum(1 / variance) as mean, 1 / sum(1 / variance) as variance
    from evidence where not hit group by slot
  ), per_owner as (
    select e.owner, sum((e.verified_gain - c.mean) / (e.variance + c.variance)) / sum(1 / (e.variance + c.variance)) as gain,
      1 / sum(1 / (e.variance + c.variance)) as variance
    from evidence e join control c on c.slot = e.slot where e.hit group by e.owner
  )
  select sum(o.trust * g.gain / (g.variance + tau ^ 2)) as pull, sum(o.trust / (g.variance + tau ^ 2)) + 1 / tau ^ 2 as precision,
    sum(o.trust) ^ 2 / nullif(sum(o.trust ^ 2), 0) as n_eff
  from per_owner g join believed o on o.owner = g.owner
) w;

create view trust.known_spec as
with setting as (
  select trust.constant('ladder_step') as step
), believed as materialized (
  select owner, trust from trust.owner where kind = 'claims'
)
select r.claim_id, r.slot, r.family, r.spec, r.spec_digest, r.owner, o.trust,
  trust.ladder(r.verified_gain, step) as verified_gain,
  (floor(r.verified_se / step) + 1) * step as verified_se,
  (select count(*) from board.decision d where d.slot = r.slot and d.parent_digests @> array[r.spec_digest]) as children
from trust.claim_result r cross join setting
join believed o on o.owner = r.owner
where r.honest and r.verified_gain is not null;
