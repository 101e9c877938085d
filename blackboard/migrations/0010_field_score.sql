-- What the subnet's public API said of this miner's answer and of all others' on the same prompt.
--
-- An outcome is a validator's own row; this is hearsay, published by one validator for everybody, and kept apart: it says where the
-- field is, it does not decide what is promoted. prompt_id is null where no prompt of that moment is on record.

create table board.field_score (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default coalesce(market.now(), clock_timestamp()),
  slot board.slot not null,
  scored_at timestamptz not null,
  prompt_id uuid references board.prompt,
  uid int not null check (uid between 0 and 65535),
  crps double precision not null,
  prompt_score double precision,
  rank int not null check (rank >= 1),
  miners int not null check (miners >= rank),
  median_crps board.finite not null check (median_crps > 0),
  best_crps board.finite not null check (best_crps between 0 and median_crps),
  unique (slot, scored_at, uid)
);
comment on table board.field_score is 'One prompt by the public API. crps -1: invalid. rank: among all miners, the invalid ones last. median and best: of the valid ones.';

create trigger append_only before update or delete or truncate on board.field_score
  for each statement execute function board.refuse_change();
create trigger a_author before insert on board.field_score for each row execute function board.check_author('65536');
alter table board.field_score enable row level security;
create policy readable on board.field_score for select using (true);
create policy own_rows on board.field_score for insert with check (agent_id = (select board.current_agent()));

grant insert (id, agent_id, slot, scored_at, prompt_id, uid, crps, prompt_score, rank, miners, median_crps, best_crps)
  on board.field_score to swarm_miner;
grant select on board.field_score to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator,
  swarm_reader;

do $$
begin
  execute 'create or replace view board.trace as ' || rtrim(pg_get_viewdef('board.trace'::regclass), '; ' || chr(10))
    || ' union all select ''field_score''::text as kind, id, agent_id, at, market_at from board.field_score';
end $$;
