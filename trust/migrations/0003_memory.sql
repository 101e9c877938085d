-- Memory: what agents are told. Patterns weigh what verified experiments that match them gained over those that do not;
-- specs are ranked by the lower bound of their verified gain, rounded so that nobody climbs the hidden windows.

create function trust.matches(spec jsonb, slot text, p board.pattern) returns boolean
language sql immutable as $$
  select (p.slot is null or p.slot = slot)
    and (p.family is null or p.family = spec ->> 'family')
    and (p.knob is null or case when jsonb_typeof(spec -> p.knob) = 'number'
      then (spec ->> p.knob)::double precision between p.low and p.high else false end)
$$;

create view trust.pattern_weight as
with evidence as (
  select p.id as pattern_id, r.owner, r.slot, r.verified_gain, greatest(r.verified_se, 1e-4) as se, trust.matches(r.spec, r.slot, p) as hit
  from board.pattern p join trust.claim_result r on r.verified_gain is not null and (p.slot is null or p.slot = r.slot)
), control as (
  select pattern_id, slot, sum(verified_gain / se ^ 2) / sum(1 / se ^ 2) as mean, 1 / sum(1 / se ^ 2) as variance
  from evidence where not hit group by pattern_id, slot
), per_owner as (
  select e.pattern_id, e.owner, sum((e.verified_gain - c.mean) / (e.se ^ 2 + c.variance)) / sum(1 / (e.se ^ 2 + c.variance)) as gain,
    1 / sum(1 / (e.se ^ 2 + c.variance)) as variance
  from evidence e join control c on c.pattern_id = e.pattern_id and c.slot = e.slot
  where e.hit group by e.pattern_id, e.owner
), weighed as (
  select g.pattern_id,
    sum(o.trust * g.gain / (g.variance + trust.constant('pattern_tau') ^ 2)) as pull,
    sum(o.trust / (g.variance + trust.constant('pattern_tau') ^ 2)) + 1 / trust.constant('pattern_tau') ^ 2 as precision,
    coalesce(sum(o.trust) ^ 2 / nullif(sum(o.trust ^ 2), 0), 0) as n_eff
  from per_owner g join trust.owner o on o.owner = g.owner and o.kind = 'claims' group by g.pattern_id
)
select p.id as pattern_id, a.owner, p.slot, p.family, p.knob, p.low, p.high, p.direction, p.effect, p.note, p.market_at,
  coalesce(w.pull / w.precision, 0) as gain,
  coalesce(1 / sqrt(w.precision), trust.constant('pattern_tau')) as sd,
  coalesce(w.n_eff, 0) as n_eff
from board.pattern p
join board.agent a on a.id = p.agent_id
left join weighed w on w.pattern_id = p.id;

create view trust.known_spec as
select r.claim_id, r.slot, r.family, r.spec, r.spec_digest, r.owner, o.trust,
  round((r.verified_gain / trust.constant('ladder_step'))::numeric)::double precision * trust.constant('ladder_step') as verified_gain,
  round((r.verified_se / trust.constant('ladder_step'))::numeric + 0.5)::double precision * trust.constant('ladder_step') as verified_se,
  (select count(*) from board.decision d where d.slot = r.slot and r.spec_digest = any (d.parent_digests)) as children
from trust.claim_result r
join trust.owner o on o.owner = r.owner and o.kind = 'claims'
where r.honest and r.verified_gain is not null;
