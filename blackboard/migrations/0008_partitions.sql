-- Partitions by month for the records that grow without end and that nothing has to find by more than their id.
--
-- Ids are uuids of version 7 and so in order of time: a range of ids is a stretch of time, the primary key stays the id alone, and
-- every reference to a record stays a foreign key. What was written so far becomes the first partition as it lies, without a copy.
--
-- Where a row goes is its id's business. Agents write ids of about now and are refused otherwise (SW011), so that nobody writes into a
-- month that is over. What an administrator writes may lie anywhere: a month without a partition, and any id that is no time at
-- all, is kept in the table's `other` partition. That is also where new records go when nobody made the coming month's in time.
--
-- Not partitioned: claim, verdict, prompt, answer, outcome, challenger, gate_step, promotion and holding, which have a rule of
-- uniqueness beside their id that partitions could not hold over all months; and what stays small.
--
-- Partitions lie in schema part, which is the administrator's alone: rights, policies and triggers are those of the table.

create schema part;

-- The least id of an instant.
create function board.first_id(instant timestamptz) returns uuid
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select (lpad(to_hex(floor(extract(epoch from instant) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

-- An id of now: version 7, as the programs make them.
create function board.new_id() returns uuid
language sql volatile set search_path = pg_catalog, pg_temp as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

create function board.partitioned() returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select array['briefing', 'decision', 'experiment', 'attempt', 'reward', 'alert']
$$;

-- Called for an id that is not of about now.
create function board.check_id() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if exists (select from board.agent where login = session_user) then
    raise exception 'board.%: % is no id of about now', tg_argv[0], new.id using errcode = 'SW011';
  end if;
  return new;
end $$;

do $$
declare
  kind text;
  step text;
  until_id uuid := board.first_id(date_trunc('month', clock_timestamp(), 'UTC') + interval '1 month');
  links text[] := '{}';
  after text[];
  one record;
begin
  -- References from and to what is rebuilt come back at the end, and are checked then.
  for one in
    select f.conrelid::regclass as source, f.conname, pg_get_constraintdef(f.oid) as definition from pg_constraint f
    join pg_class c on c.oid in (f.conrelid, f.confrelid) and c.relnamespace = 'board'::regnamespace and c.relname = any (board.partitioned())
    where f.contype = 'f' group by f.oid, f.conrelid, f.conname
  loop
    links := links || format('alter table %s add constraint %I %s', one.source, one.conname, one.definition);
    execute format('alter table %s drop constraint %I', one.source, one.conname);
  end loop;

  foreach kind in array board.partitioned() loop
    after := '{}';
    -- A view that is told its own text again reads the new table, and keeps its rights and whatever reads it.
    for one in
      select distinct r.ev_class::regclass as name, pg_get_viewdef(r.ev_class) as definition from pg_depend d join pg_rewrite r on r.oid = d.objid
      where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = format('board.%I', kind)::regclass
    loop
      after := after || format('create or replace view %s as %s', one.name, one.definition);
    end loop;
    for one in
      select tgname, pg_get_triggerdef(oid) as definition from pg_trigger where tgrelid = format('board.%I', kind)::regclass and not tgisinternal order by tgname
    loop
      after := after || one.definition;
      execute format('drop trigger %I on board.%I', one.tgname, kind);
    end loop;
    for one in
      select polname, case polcmd when 'r' then 'select' when 'a' then 'insert' end as command,
        coalesce(' using (' || pg_get_expr(polqual, polrelid) || ')', '') || coalesce(' with check (' || pg_get_expr(polwithcheck, polrelid) || ')', '') as rule
      from pg_policy where polrelid = format('board.%I', kind)::regclass
    loop
      after := after || format('create policy %I on board.%I for %s%s', one.polname, kind, one.command, one.rule);
    end loop;
    for one in
      select string_agg(a.privilege_type, ', ') as rights, a.grantee::regrole as who, '' as field from pg_class c cross join aclexplode(c.relacl) a
      where c.oid = format('board.%I', kind)::regclass and a.grantee <> c.relowner group by a.grantee
      union all
      select string_agg(a.privilege_type || format(' (%I)', t.attname), ', '), a.grantee::regrole, 'x' from pg_attribute t cross join aclexplode(t.attacl) a
      where t.attrelid = format('board.%I', kind)::regclass and t.attnum > 0 group by a.grantee
    loop
      after := after || format('grant %s on board.%I to %s', one.rights, kind, one.who);
      execute format('revoke all on board.%I from %s', kind, one.who);
    end loop;
    after := after || format('comment on table board.%I is %L', kind, obj_description(format('board.%I', kind)::regclass));

    execute format('alter table board.%I set schema part', kind);
    execute format('create table board.%I (like part.%I including defaults including constraints including comments including indexes) partition by range (id)',
      kind, kind);
    execute format('alter table part.%I rename to %I', kind, kind || '_before');
    execute format('create table part.%I partition of board.%I default', kind || '_other', kind);
    execute format('insert into part.%I select * from part.%I where id >= %L', kind || '_other', kind || '_before', until_id);
    execute format('delete from part.%I where id >= %L', kind || '_before', until_id);
    execute format('alter table board.%I attach partition part.%I for values from (minvalue) to (%L)', kind, kind || '_before', until_id);
    execute format('alter table board.%I enable row level security', kind);
    foreach step in array after loop
      execute step;
    end loop;
    execute format('create trigger b_id before insert on board.%I for each row
      when (new.id not between board.first_id(clock_timestamp() - interval ''7 days'') and board.first_id(clock_timestamp() + interval ''7 days'')
        or substr(new.id::text, 15, 1) <> ''7'') execute function board.check_id(%L)', kind, kind);
    foreach step in array array['before', 'other'] loop
      -- Statements that name a partition pass the table's own trigger by.
      execute format('create trigger append_only before update or delete or truncate on part.%I
        for each statement execute function board.refuse_change()', kind || '_' || step);
    end loop;
  end loop;
  foreach step in array links loop
    execute step;
  end loop;
end $$;

-- Makes what is missing of the partitions of a month; returns their names. A month of which rows already went to `other` stays there.
-- Reading a table waits for as long as this waits for the table, so it does not wait long: the next call tries again.
create function board.make_month(month timestamptz) returns text[]
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
declare
  first timestamptz := date_trunc('month', month, 'UTC');
  low uuid := board.first_id(date_trunc('month', month, 'UTC'));
  high uuid := board.first_id(date_trunc('month', month, 'UTC') + interval '1 month');
  kind text;
  name text;
  taken boolean;
  made text[] := '{}';
begin
  foreach kind in array board.partitioned() loop
    name := kind || to_char(first at time zone 'UTC', '"_"YYYY"_"MM');
    if to_regclass(format('part.%I', name)) is not null then
      continue;
    end if;
    execute format('select exists (select from part.%I where id >= %L and id < %L)', kind || '_other', low, high) into taken;
    -- The first partition holds everything up to the month it was made in.
    if taken or low < (select substring(pg_get_expr(relpartbound, oid) from $p$TO \('([^']*)'\)$p$)::uuid
      from pg_class where oid = format('part.%I', kind || '_before')::regclass) then
      continue;
    end if;
    begin
      execute format('create table part.%I (like board.%I including defaults including constraints including comments)', name, kind);
      execute format('alter table board.%I attach partition part.%I for values from (%L) to (%L)', kind, name, low, high);
      execute format('create trigger append_only before update or delete or truncate on part.%I
        for each statement execute function board.refuse_change()', name);
      made := made || name;
    exception when lock_not_available or deadlock_detected or duplicate_table or check_violation then
      null; -- another one makes it, or the table is busy
    end;
  end loop;
  return made;
end $$;

-- This month's and the two next ones'. Nothing stops where none was made: `other` takes what has no partition.
create function board.make_partitions() returns text[]
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce(array_agg(name), '{}')
  from generate_series(0, 2) n
  cross join lateral unnest(board.make_month((date_trunc('month', clock_timestamp(), 'UTC') at time zone 'UTC' + n * interval '1 month') at time zone 'UTC')) name
$$;
select board.make_partitions();

-- As in 0005, with an id that says when.
create or replace function board.report_refusals() returns int
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
      insert into board.alert (id, agent_id, severity, code, message) values (board.new_id(), board.current_agent(), 'warning', 'SWARM_W_WRITES_REFUSED',
        format('%s of %s: %s refused writes in another''s name, under a stale token or with a used signature', one.name, one.owner, one.more));
      written := written + 1;
    end if;
  end loop;
  return written;
end $$;

revoke execute on function board.new_id(), board.first_id(timestamptz), board.partitioned(), board.check_id(), board.make_month(timestamptz), board.make_partitions() from public;
-- Named in a trigger's condition, which the writer's own rights evaluate; it tells nobody anything.
grant execute on function board.first_id(timestamptz) to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator,
  swarm_feed, swarm_relay;
grant execute on function board.make_partitions() to swarm_publisher;
