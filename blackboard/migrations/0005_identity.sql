-- Identity: owners, what they signed for, and what became of it.
--
-- An owner's first enrolment pins its public key; from then on an agent of that owner exists because that key signed for it.
-- Every key that an agent ever had is a row of board.enrolment (serial 1, then one per rotation), and an agent whose time is over
-- has a row of board.revocation. Both are append-only, so a record is judged by the key of its own instant (board.agent_key).
-- The signatures are ed25519 and Postgres cannot verify them: readers do, and `swarm audit` does for the whole history.
--
-- A refused insert rolls back and would leave no trace. What smells of an attack (another's name, a stale token, a signature used
-- before) therefore moves a sequence of that login in schema refusal: sequences do not roll back. board.report_refusals(), called
-- by publishers, turns a moved sequence into an alert.

create table board.owner (
  id uuid primary key,
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  public_key text not null,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default coalesce(market.now(), clock_timestamp())
);
comment on table board.owner is 'The key that may sign for an owner''s agents: the one of its first enrolment.';

create table board.enrolment (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default coalesce(market.now(), clock_timestamp()),
  serial int not null check (serial >= 1),
  owner text not null references board.owner (name),
  public_key text not null unique,
  nats_key text not null unique check (nats_key ~ '^U[A-Z2-7]{55}$'),
  issued_at timestamptz not null,
  signature text not null,
  unique (agent_id, serial)
);
comment on column board.enrolment.signature is 'of the owner over agent id, name, owner, role, login, serial, both public keys and issued_at';

create table board.revocation (
  id uuid primary key,
  agent_id uuid not null unique references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default coalesce(market.now(), clock_timestamp()),
  reason board.short_text not null default '',
  issued_at timestamptz not null,
  signature text
);
comment on column board.revocation.signature is 'of the owner; null when the administrator revoked without it';

create table board.refusal (
  id uuid primary key default gen_random_uuid(),
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default coalesce(market.now(), clock_timestamp()),
  subject uuid not null references board.agent,
  total bigint not null,
  unique (subject, total)
);
comment on table board.refusal is 'agent_id noticed that so many writes of subject''s login had been refused as forgeries.';

do $$
declare
  kind text;
begin
  foreach kind in array array['owner', 'enrolment', 'revocation', 'refusal'] loop
    execute format('create trigger append_only before update or delete or truncate on board.%I
      for each statement execute function board.refuse_change()', kind);
    execute format('alter table board.%I enable row level security', kind);
    execute format('create policy readable on board.%I for select using (true)', kind);
  end loop;
end $$;

-- Which key was an agent's when. Agents from before this migration are held to their key from their own beginning.
create view board.agent_key as
select e.agent_id, e.serial, e.public_key, e.nats_key,
  case when e.serial = 1 then least(a.at, e.at) else e.at end as valid_from,
  least(lead(e.at) over (partition by e.agent_id order by e.serial), r.at) as valid_to
from board.enrolment e
join board.agent a on a.id = e.agent_id
left join board.revocation r on r.agent_id = e.agent_id;

-- Who took which work under which token: a lease is overwritten by the next one, and this is what is left to check results by.
create table board.holding (
  id uuid primary key default gen_random_uuid(),
  token bigint not null unique,
  work_id text not null,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default coalesce(market.now(), clock_timestamp())
);
create index holding_by_work on board.holding (work_id, token);
create trigger append_only before update or delete or truncate on board.holding
  for each statement execute function board.refuse_change();
alter table board.holding enable row level security;
create policy readable on board.holding for select using (true);
insert into board.holding (token, work_id, agent_id) select token, work_id, holder from board.lease;

create function board.note_holding() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into board.holding (token, work_id, agent_id) values (new.token, new.work_id, new.holder) on conflict do nothing;
  return null;
end $$;
create trigger held after insert or update of token on board.lease for each row execute function board.note_holding();

-- Gates are publishers' work and checks are checkers': nobody else may hold them up by taking their leases.
create function board.check_holder() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  kind text := split_part(new.work_id, ':', 1);
begin
  if kind in ('gate', 'check')
    and not exists (select from board.agent a where a.id = new.holder and a.role = case kind when 'gate' then 'publisher' else 'checker' end) then
    raise exception 'the lease on % is not for this agent''s role', new.work_id using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger a_holder before insert or update of holder on board.lease for each row execute function board.check_holder();

create schema refusal;

-- Counts from 0 by setval, which a crash does not move ahead as nextval would.
create function board.open_refusals(login name) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  execute format('create sequence if not exists refusal.%I minvalue 0 start 0', login);
end $$;
select board.open_refusals(login) from board.agent;

create function board.note_refusal() returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if to_regclass(format('refusal.%I', session_user)) is not null then
    execute format('select setval(%L, last_value + 1) from refusal.%I', format('refusal.%I', session_user), session_user);
  end if;
end $$;

-- Writes one alert for every agent that was refused again since the last one; returns how many. Two callers at once write one.
create function board.report_refusals() returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  one record;
  written int := 0;
begin
  for one in
    select a.id, a.name, a.owner, s.last_value as total, s.last_value - k.total as more
    from pg_sequences s
    join board.agent a on a.login = s.sequencename
    cross join lateral (select coalesce(max(r.total), 0) as total from board.refusal r where r.subject = a.id) k
    where s.schemaname = 'refusal' and s.last_value > k.total
  loop
    insert into board.refusal (agent_id, subject, total) values (board.current_agent(), one.id, one.total) on conflict do nothing;
    if found then
      insert into board.alert (id, agent_id, severity, code, message) values (gen_random_uuid(), board.current_agent(), 'warning', 'SWARM_W_WRITES_REFUSED',
        format('%s of %s: %s refused writes in another''s name, under a stale token or with a used signature', one.name, one.owner, one.more));
      written := written + 1;
    end if;
  end loop;
  return written;
end $$;

-- Who writes a record is its login's agent, still enrolled, and no record is larger than its kind needs. The administrator's
-- own login is no agent: rights decide for it.
create function board.check_author() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  me record;
  size int;
begin
  select a.id, a.name, exists (select from board.revocation r where r.agent_id = a.id) as revoked into me
    from board.agent a where a.login = session_user;
  if not found then
    return new;
  end if;
  if me.revoked then
    raise exception 'board.%: agent % was revoked', tg_table_name, me.name using errcode = 'SW007';
  end if;
  if new.agent_id is distinct from me.id then
    perform board.note_refusal();
    raise exception 'board.%: agent % may not write in the name of %', tg_table_name, me.name, new.agent_id
      using errcode = 'insufficient_privilege';
  end if;
  size := pg_column_size(new);
  if size > tg_argv[0]::int then
    raise exception 'board.%: a record of % bytes, and % is the limit', tg_table_name, size, tg_argv[0] using errcode = 'SW008';
  end if;
  return new;
end $$;

do $$
declare
  kind text;
begin
  foreach kind in array array['briefing', 'decision', 'experiment', 'attempt', 'claim', 'verdict', 'pattern', 'challenger',
    'prompt', 'answer', 'outcome', 'reward', 'gate_step', 'promotion', 'llm_call', 'compute_job', 'alert'] loop
    -- Named to come first: triggers of one kind fire in the order of their names.
    execute format('create trigger a_author before insert on board.%I for each row execute function board.check_author(%L)',
      kind, case when kind in ('briefing', 'verdict') then 262144 else 65536 end);
  end loop;
end $$;

-- A signature covers the record's own id, so that the same one under another id is a replay.
create function board.check_signature() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  used boolean;
begin
  if new.signature !~ '^[A-Za-z0-9+/]{86}==$' then
    perform board.note_refusal();
    raise exception 'board.%: % carries no signature', tg_table_name, new.id using errcode = 'SW009';
  end if;
  execute format('select exists (select from board.%I where signature = $1 and id <> $2)', tg_table_name)
    into used using new.signature, new.id;
  if used then
    perform board.note_refusal();
    raise exception 'board.%: % carries the signature of another record', tg_table_name, new.id using errcode = 'SW009';
  end if;
  return new;
end $$;

do $$
declare
  kind text;
begin
  foreach kind in array array['claim', 'verdict', 'promotion'] loop
    execute format('create index %I on board.%I using hash (signature)', kind || '_by_signature', kind);
    execute format('create trigger signed before insert on board.%I for each row execute function board.check_signature()', kind);
  end loop;
end $$;

create or replace function board.check_fence() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from board.lease
    where work_id = new.work_id and token = new.fence and holder = new.agent_id and expires_at > clock_timestamp()
    for share;
  if not found then
    perform board.note_refusal();
    raise exception 'board.%: the lease on % with token % is no longer held', tg_table_name, new.work_id, new.fence
      using errcode = 'SW001';
  end if;
  return new;
end $$;

-- What a person reads in a terminal: tabs and line ends, and no other control or direction-changing character.
alter domain board.short_text add constraint printable
  check (value !~ '[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]') not valid;

-- Limits that a login sets for itself it may also lift: this ends what outlived them. Returns how many sessions were ended.
create function board.end_overdue(longest interval) returns int
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select count(*)::int from (
    select pg_terminate_backend(s.pid) from pg_stat_activity s
    join board.agent a on a.login = s.usename
    where s.datname = current_database() and s.xact_start < clock_timestamp() - longest
  ) ended
$$;

-- What every login could do by default and no agent needs: large objects, sleeping, and locks that programs of ours trust.
-- Only their owner may take them away; elsewhere the time limits of a login stand alone.
do $$
declare
  one regprocedure;
begin
  for one in
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace
      and (p.proname ~ '^(lo_|lo(read|write|open)$|lowrite|pg_sleep|pg_advisory_|pg_try_advisory_)')
  loop
    begin
      execute format('revoke execute on function %s from public', one);
    exception when insufficient_privilege then
      null;
    end;
  end loop;
end $$;

do $$
declare
  parts text[] := '{}';
  kind text;
begin
  foreach kind in array array['agent', 'briefing', 'decision', 'experiment', 'attempt', 'claim', 'verdict', 'pattern', 'challenger',
    'prompt', 'answer', 'outcome', 'reward', 'gate_step', 'promotion', 'llm_call', 'compute_job', 'alert', 'owner', 'enrolment',
    'revocation', 'refusal', 'holding'] loop
    parts := parts || format('select %L::text as kind, id, %s as agent_id, at, market_at from board.%I',
      kind, case kind when 'agent' then 'id' when 'owner' then 'null::uuid' else 'agent_id' end, kind);
  end loop;
  execute 'create or replace view board.trace as ' || array_to_string(parts, ' union all ');
end $$;

revoke execute on all functions in schema board from public;
grant execute on function board.report_refusals() to swarm_publisher;
grant select on board.owner, board.enrolment, board.revocation, board.refusal, board.agent_key, board.holding to swarm_explorer, swarm_optimizer,
  swarm_checker, swarm_publisher, swarm_miner, swarm_validator, swarm_feed, swarm_relay, swarm_reader;
