-- Credit: whose work the served models stand on.
--
--   worth    of a promotion that was not rolled back: mean over its windows of (CRPS(champion) - CRPS(model)) / scale, at least 0: what
--            the model added to what was served. A copy of the champion adds 0; a copy of another's model is worth something to its
--            original's author alone.
--   share    the author of a model with sources keeps 1 - credit_share of what comes to it; the rest goes on in equal parts to its
--            sources: the first claims of the specs it was bred from, and the told patterns that hold for its spec and for which
--            verdicts speak. These pass on in the same way. Nothing is lost, and nothing is made by a longer lineage.
--
-- Parents are what the author said when it decided, before there was anything to share; a source is always older than what it is one of.

insert into board.constant (name, value, unit, note) values
  ('credit_share', 0.5, 'share', 'of a model''s credit, what its sources get where it has any');

-- The claim of this spec that was thought of first.
create function trust.first_claim(of_slot text, digest text) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select id from board.claim where slot = of_slot and spec_digest = digest order by trust.conceived(id), id limit 1
$$;

-- What a claim's model was made from: older claims, and patterns by their first author.
create function trust.sources(claim uuid) returns table (claim_id uuid, pattern_id uuid)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with made as (
    select c.slot, c.spec, d.parent_digests, b.items, d.at
    from board.claim c join board.experiment e on e.id = c.experiment_id join board.decision d on d.id = e.decision_id
    join board.briefing b on b.id = d.briefing_id where c.id = claim
  )
  select distinct p.id, null::uuid
  from made m cross join unnest(m.parent_digests) as digest cross join lateral (select trust.first_claim(m.slot, digest::text) as id) p
  where p.id <> claim and trust.conceived(p.id) < m.at
  union
  select null, s.pattern_id
  from made m cross join jsonb_array_elements(m.items) i
  join board.pattern t on i ->> 'kind' like '%pattern' and t.id::text = i ->> 'id'
  -- Of patterns that say the same the first one stands.
  join trust.pattern_standing s on s.predicate = jsonb_build_array(t.slot, t.family, t.knob, t.low, t.high)::text
  where t.at < m.at and s.gain > 0 and trust.matches(m.spec, m.slot::text, t.slot::text, t.family, t.knob, t.low, t.high)
$$;

create view trust.worth as
select p.id as promotion_id, p.slot, p.reign, p.artifact, coalesce(trust.original(c.claim_id), c.claim_id) as claim_id, p.market_at,
  greatest(0, w.gain) as worth
from board.promotion p
join board.challenger c on c.id = p.challenger_id
left join board.promotion n on n.slot = p.slot and n.reign = p.reign + 1
cross join lateral (
  select avg((g.champion_crps - g.challenger_crps) / c.scale) as gain
  from (select s.champion_crps, s.challenger_crps from board.gate_step s where s.challenger_id = c.id order by s.start_at limit p.windows) g
) w
where p.kind = 'promote' and coalesce(n.kind, '') <> 'rollback';

create view trust.credit as
with recursive flow as (
  select promotion_id, claim_id, null::uuid as pattern_id, worth as amount, 0 as depth from trust.worth
  union all
  select f.promotion_id, s.claim_id, s.pattern_id, f.amount * trust.constant('credit_share') / s.n, f.depth + 1
  from flow f cross join lateral (select t.*, count(*) over () as n from trust.sources(f.claim_id) t) s
  -- What is left after so many steps is a four-thousandth.
  where f.claim_id is not null and f.amount > 0 and f.depth < 12
), kept as (
  select f.*, f.amount * case when f.claim_id is not null and f.depth < 12 and exists (select from trust.sources(f.claim_id)) then 1 - trust.constant('credit_share') else 1 end as credit
  from flow f
)
select k.promotion_id, p.slot, p.reign, a.owner, k.claim_id, k.pattern_id, k.depth, k.credit
from kept k
join board.promotion p on p.id = k.promotion_id
left join board.claim c on c.id = k.claim_id
left join board.pattern t on t.id = k.pattern_id
join board.agent a on a.id = coalesce(c.agent_id, t.agent_id);

create view fleet.credit as
select owner, sum(credit) as credit, count(distinct promotion_id)::int as promotions,
  coalesce(sum(credit) filter (where depth > 0), 0) as through_others
from trust.credit group by owner order by sum(credit) desc, owner;
comment on view fleet.credit is 'What owners added to the served models, as shares of the CRPS that was served before, by themselves and through models made from theirs.';
comment on column fleet.credit.owner is 'whose claims they are';
comment on column fleet.credit.credit is 'sum of its shares, of the CRPS that was served before each promotion';
comment on column fleet.credit.promotions is 'promotions that it has a part in';
comment on column fleet.credit.through_others is 'the part of its credit that came through models of others';

revoke execute on function trust.first_claim(text, text), trust.sources(uuid) from public;
-- Views run functions with the rights of whoever asks.
grant execute on function trust.first_claim(text, text), trust.sources(uuid) to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher,
  swarm_miner, swarm_validator, swarm_feed, swarm_relay, swarm_reader;
grant select on trust.worth, trust.credit to swarm_publisher, swarm_reader;
grant select on fleet.credit to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator, swarm_feed,
  swarm_relay, swarm_reader;
