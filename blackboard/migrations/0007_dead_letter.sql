-- Dead letters: deliveries that an agent could not settle however often they came, or could not read at all.
--
-- An event is a doorbell, so nothing has to be done about one: the sweep finds the work. But a delivery that fails every time must not
-- come back for ever, and somebody should know that it did. The row is written first, with its alert; then the server is told to
-- stop. A process that dies in between writes the same row again, which is none.

create table board.dead_letter (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default coalesce(market.now(), clock_timestamp()),
  stream_sequence bigint not null check (stream_sequence >= 0),
  event_id bigint,
  deliveries int not null check (deliveries >= 1),
  reason board.short_text not null,
  body board.short_text not null,
  body_digest board.sha256 not null,
  unique (agent_id, body_digest)
);
comment on table board.dead_letter is 'A delivery that its agent gave up on. event_id is null where the message could not be read.';

create trigger append_only before update or delete or truncate on board.dead_letter
  for each statement execute function board.refuse_change();
create trigger a_author before insert on board.dead_letter for each row execute function board.check_author('65536');
alter table board.dead_letter enable row level security;
create policy readable on board.dead_letter for select using (true);
create policy own_rows on board.dead_letter for insert with check (agent_id = (select board.current_agent()));

grant insert (id, agent_id, stream_sequence, event_id, deliveries, reason, body, body_digest) on board.dead_letter
  to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner;
grant select on board.dead_letter to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator,
  swarm_feed, swarm_relay, swarm_reader;

-- Added to whatever the trace already unites.
do $$
begin
  execute 'create or replace view board.trace as ' || rtrim(pg_get_viewdef('board.trace'::regclass), '; ' || chr(10))
    || ' union all select ''dead_letter''::text as kind, id, agent_id, at, market_at from board.dead_letter';
end $$;
