-- What moves: leases, presence, the outbox and the inbox. The only tables whose rows change.
--
-- A lease is a claim on a piece of work for a stretch of wall time. Every taking hands out a larger fencing
-- token; a result is accepted only with the token of the lease as it stands, so a holder that slept through
-- its expiry cannot write. An event is a row written by the statement that made its record; the relay
-- publishes it, and a reader loads the record itself.

create sequence board.fence_token;

create table board.lease (
  work_id text primary key check (length(work_id) <= 300),
  holder uuid not null references board.agent,
  token bigint not null,
  expires_at timestamptz not null
);

-- The token, or null while somebody else holds the work. No term is longer than five minutes: whoever lives renews.
create function board.lease_take(work text, ttl_s double precision) returns bigint
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  insert into board.lease as l (work_id, holder, token, expires_at)
  values (work, board.current_agent(), nextval('board.fence_token'), clock_timestamp() + least(ttl_s, 300) * interval '1 second')
  on conflict (work_id) do update
    set holder = excluded.holder, token = excluded.token, expires_at = excluded.expires_at
    where l.expires_at <= clock_timestamp()
  returning token
$$;

create function board.lease_renew(work text, fence bigint, ttl_s double precision) returns boolean
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  with renewed as (
    update board.lease set expires_at = clock_timestamp() + least(ttl_s, 300) * interval '1 second'
    where work_id = work and token = fence and holder = board.current_agent() and expires_at > clock_timestamp()
    returning 1
  )
  select exists (select from renewed)
$$;

create function board.lease_give_back(work text, fence bigint) returns boolean
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  with gone as (
    delete from board.lease where work_id = work and token = fence and holder = board.current_agent() returning 1
  )
  select exists (select from gone)
$$;

create function board.check_fence() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform from board.lease
    where work_id = new.work_id and token = new.fence and holder = new.agent_id and expires_at > clock_timestamp()
    for share;
  if not found then
    raise exception 'board.%: the lease on % with token % is no longer held', tg_table_name, new.work_id, new.fence
      using errcode = 'SW001';
  end if;
  return new;
end $$;

do $$
declare
  kind text;
begin
  foreach kind in array array['experiment', 'claim', 'verdict', 'challenger', 'gate_step', 'promotion'] loop
    execute format('create trigger fenced before insert on board.%I for each row execute function board.check_fence()', kind);
  end loop;
end $$;

-- The swarm's own secret, which no agent may read: it salts the drawing of checkers.
create table board.beacon (
  id boolean primary key default true check (id),
  secret text not null check (length(secret) >= 32)
);

-- A claim is about now, so that nobody picks an older day whose hidden windows it has seen since, and about an
-- experiment of its own author.
create function board.check_claim() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.as_of > market.now() or new.as_of < market.now() - interval '72 hours' then
    raise exception 'claim % is as of %, the market is at %', new.id, new.as_of, market.now() using errcode = 'SW003';
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
create trigger about_now before insert on board.claim for each row execute function board.check_claim();

-- An owner does not judge its own claims, and nobody judges against a champion that was gone before the claim was made
-- or before the claim was judged by others: the first reign of a claim's verdicts decides about its author.
create function board.check_verdict() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  claimed record;
begin
  select c.slot, c.at, a.owner into claimed from board.claim c join board.agent a on a.id = c.agent_id where c.id = new.claim_id;
  if claimed.owner = (select a.owner from board.agent a where a.id = new.agent_id) then
    raise exception 'claim % belongs to the checker''s own owner', new.claim_id using errcode = 'SW004';
  end if;
  if not exists (select from board.promotion p where p.slot = claimed.slot and p.reign = new.reign and p.artifact = new.champion)
    or exists (select from board.promotion p where p.slot = claimed.slot and p.reign > new.reign and p.at < claimed.at)
    or exists (select from board.verdict v where v.claim_id = new.claim_id and v.reign > new.reign) then
    raise exception 'a verdict on claim % cannot be about reign % of champion %', new.claim_id, new.reign, new.champion
      using errcode = 'SW006';
  end if;
  return new;
end $$;
create trigger not_own_claim before insert on board.verdict for each row execute function board.check_verdict();

create table board.presence (
  agent_id uuid primary key references board.agent,
  beat_at timestamptz not null,
  market_at timestamptz not null,
  pid int not null,
  host text not null,
  state text not null,
  work_id text
);

create function board.beat(process_id int, host_name text, what text, work text) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  insert into board.presence as p (agent_id, beat_at, market_at, pid, host, state, work_id)
  values (board.current_agent(), clock_timestamp(), market.now(), process_id, host_name, what, work)
  on conflict (agent_id) do update set beat_at = excluded.beat_at, market_at = excluded.market_at, pid = excluded.pid,
    host = excluded.host, state = excluded.state, work_id = excluded.work_id
$$;

create table board.outbox (
  id bigint generated always as identity primary key,
  kind text not null,
  ref uuid not null,
  at timestamptz not null default clock_timestamp(),
  published_at timestamptz
);
create index outbox_waiting on board.outbox (id) where published_at is null;

create table board.inbox (
  consumer text not null,
  event_id bigint not null,
  at timestamptz not null default clock_timestamp(),
  primary key (consumer, event_id)
);

-- One event per record, written by the inserting statement itself; many outcomes of one statement ring once.
create function board.emit() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_table_name = 'outcome' then
    insert into board.outbox (kind, ref) select 'outcome', id from inserted limit 1;
  else
    insert into board.outbox (kind, ref) select tg_table_name, id from inserted;
  end if;
  perform pg_notify('swarm_outbox', '');
  return null;
end $$;

do $$
declare
  kind text;
begin
  foreach kind in array array['claim', 'verdict', 'challenger', 'promotion', 'outcome'] loop
    execute format('create trigger emit after insert on board.%I referencing new table as inserted
      for each statement execute function board.emit()', kind);
  end loop;
end $$;
