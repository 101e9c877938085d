-- Throughput: what a record's transaction need not wait for, and the checks of a claim without planning a query for each row.
--
-- NOTIFY takes a lock that every notifying transaction of the server holds until its commit is on disk, so that commits queue up one
-- behind the other [two cores, 16 connections: 650 claims/s with it for every record, several thousand without]. A bell that was
-- rung a moment ago need not be rung again: the relay looks again after what it found.

-- When the bell was last rung, in ms. A sequence, since it is read and set without waiting for anybody's transaction.
create sequence board.bell minvalue 0 start 0;

create or replace function board.emit() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  now_ms bigint := extract(epoch from clock_timestamp()) * 1000;
begin
  if tg_table_name = 'outcome' then
    insert into board.outbox (kind, ref) select 'outcome', id from inserted limit 1;
  else
    insert into board.outbox (kind, ref) select tg_table_name, id from inserted;
  end if;
  -- Not between: a clock that was set back rings.
  if now_ms - (select last_value from board.bell) not between 0 and 20 then
    perform setval('board.bell', now_ms);
    perform pg_notify('swarm_outbox', '');
  end if;
  return null;
end $$;

-- As in 0003, with the market's reading taken once.
create or replace function board.check_claim() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  reading timestamptz := market.now();
begin
  -- No reading, no claim: without a market there is nothing to claim about.
  if reading is null or new.as_of > reading or new.as_of < reading - interval '72 hours' then
    raise exception 'claim % is as of %, the market is at %', new.id, new.as_of, reading using errcode = 'SW003';
  end if;
  if not exists (
    select from board.experiment e
    where e.id = new.experiment_id and e.agent_id = new.agent_id
      and (e.slot, e.artifact, e.spec_digest, e.as_of, e.dataset_digest, e.windows_digest)
        = (new.slot, new.artifact, new.spec_digest, new.as_of, new.dataset_digest, new.windows_digest)) then
    raise exception 'claim % is not what experiment % of its author found', new.id, new.experiment_id using errcode = 'SW005';
  end if;
  new.salt := md5((select secret from board.beacon) || new.slot || new.spec_digest || extract(epoch from new.as_of)::text || (select name from board.agent where id = new.agent_id))::uuid;
  return new;
end $$;

-- As in 0005, with a statement for each kind: one that is put together for each row is planned for each row, in 60 us.
create or replace function board.check_signature() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  used boolean;
begin
  if new.signature !~ '^[A-Za-z0-9+/]{86}==$' then
    perform board.note_refusal();
    raise exception 'board.%: % carries no signature', tg_table_name, new.id using errcode = 'SW009';
  end if;
  used := case tg_table_name
    when 'claim' then exists (select from board.claim where signature = new.signature and id <> new.id)
    when 'verdict' then exists (select from board.verdict where signature = new.signature and id <> new.id)
    else exists (select from board.promotion where signature = new.signature and id <> new.id) end;
  if used then
    perform board.note_refusal();
    raise exception 'board.%: % carries the signature of another record', tg_table_name, new.id using errcode = 'SW009';
  end if;
  return new;
end $$;

-- Events that were published, and marks of events that were acted on, are of use to nobody after a while: the stream keeps a day.
-- At most so many rows a call, so that no call takes long. Returns how many went.
create function board.prune(most int default 5000) returns int
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  with old_events as (
    delete from board.outbox where id in (
      select id from board.outbox where published_at < clock_timestamp() - interval '2 days' order by published_at limit most for update skip locked)
    returning 1
  ), old_marks as (
    delete from board.inbox where (consumer, event_id) in (
      select consumer, event_id from board.inbox where at < clock_timestamp() - interval '7 days' order by at limit most for update skip locked)
    returning 1
  )
  select ((select count(*) from old_events) + (select count(*) from old_marks))::int
$$;
create index outbox_published on board.outbox (published_at) where published_at is not null;
create index inbox_by_time on board.inbox (at);
revoke execute on function board.prune(int) from public;
grant execute on function board.prune(int) to swarm_relay;
