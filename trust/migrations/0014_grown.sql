-- What a fleet of a million claims needs.

-- A rebuild looks at its tables first: right after a restore they have no statistics, and everything would be joined row by row.
-- Before any later migration that rebuilds: a restored backup may be older than those.
-- Whoever reads what it wrote finds statistics too.
create or replace function trust.rebuild() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  analyze board.agent, board.claim, board.verdict, board.experiment, board.decision, board.answer, board.outcome, board.pattern;
  perform trust.rebuild_from_tables();
  insert into trust.count as c
  select name, key, n from board.archived where (name in ('experiment', 'attempt') and key = '') or name = 'child'
  on conflict (name, key) do update set n = c.n + excluded.n;
  analyze trust.standing, trust.owner_tally, trust.count, trust.served, trust.pattern_standing;
end $$;

-- Grouped, though every owner has one row of a kind: whoever does not ask for trust does not wait for it.
create or replace view fleet.agents as
select a.id, a.name, a.role, a.owner, o.trust, extract(epoch from clock_timestamp() - p.beat_at)::double precision as heartbeat_age_s,
  p.state, p.work_id as lease, p.pid
from board.agent a
left join board.presence p on p.agent_id = a.id
left join (select owner, kind, max(trust) as trust from trust.owner group by owner, kind) o on o.owner = a.owner and o.kind = trust.kind_of(a.role)
order by a.role, a.name;
