-- The market: one clock and one bars store, shared by everybody.
--
-- The clock is append-only: the newest row says how market time follows wall time
-- (market = market_at + (wall - wall_at) * speed). Live is speed 1, a stopped replay is speed 0.
-- Bars of the whole replay may be stored ahead of the clock; nobody but the importer reads the table.
-- Everyone reads through market.bars(), which ends at the caller's own horizon:
-- explorers and optimizers stop where the hidden windows begin, everybody else at the last closed bar.
--
-- Functions with their definer's rights name pg_temp last: first, which is the default, a caller's temporary type
-- would stand in for a built-in one and its check would run with those rights. Instants move by hours and seconds,
-- never by days: the length of a day is the caller's time zone setting.

create schema board;
create schema market;

do $$
declare
  kind text;
begin
  foreach kind in array array['explorer', 'optimizer', 'checker', 'publisher', 'miner', 'validator', 'feed', 'relay', 'reader'] loop
    begin
      execute format('create role swarm_%s nologin', kind);
    exception when duplicate_object or unique_violation then
      null; -- roles belong to the cluster: another swarm's database may have made them
    end;
  end loop;
end $$;

create function board.refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception '%.% is append-only: % refused', tg_table_schema, tg_table_name, tg_op using errcode = 'SW002';
end $$;

create table board.constant (
  name text primary key,
  value double precision not null,
  unit text not null,
  note text not null
);
comment on table board.constant is 'The numbers of the window plan, trust and the gate: the one place where they live.';

insert into board.constant (name, value, unit, note) values
  ('hidden_days', 30, 'days', 'the newest windows, kept from explorers and optimizers'),
  ('gap_days', 1, 'days', 'embargo between two window sets: the longest horizon'),
  ('public_days', 30, 'days', 'windows that a claim is scored on'),
  ('train_days_300', 90, 'days of bars', 'history that a fit of a 5-minute slot sees'),
  ('train_days_60', 28, 'days of bars', 'history that a fit of a 1-minute slot sees'),
  ('stride_s_86400', 43200, 's', 'distance of window starts, 24 h horizon'),
  ('stride_s_3600', 10800, 's', 'distance of window starts, 1 h horizon'),
  ('max_windows', 90, 'windows', 'window sets are thinned evenly to this many'),
  ('history_days', 400, 'days', 'how far back agents read bars'),
  ('lookback_days_300', 10, 'days', 'history before every window of a 5-minute slot: no model reads more'),
  ('lookback_days_60', 3, 'days', 'history before every window of a 1-minute slot'),
  ('min_windows', 20, 'windows', 'fewer usable windows than this make no claim and no verdict');

create table market.clock (
  id bigint generated always as identity primary key,
  source text not null check (source in ('replay', 'simulated', 'live')),
  dataset_digest text not null check (dataset_digest ~ '^[0-9a-f]{64}$'),
  seed text not null,
  profile text not null,
  slots text[] not null check (cardinality(slots) > 0),
  wall_at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null,
  data_from timestamptz not null,
  data_to timestamptz,
  speed double precision not null check (speed >= 0 and speed < 'infinity'),
  note text not null default ''
);
create trigger append_only before update or delete or truncate on market.clock
  for each statement execute function board.refuse_change();

-- The clock's reading at a wall instant. A replay stops at the end of its data.
create function market.now_at(wall timestamptz) returns timestamptz
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select least(c.market_at + make_interval(secs => extract(epoch from wall - c.wall_at)::double precision * c.speed), c.data_to)
  from market.clock c order by c.id desc limit 1
$$;

create function market.now() returns timestamptz
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select market.now_at(clock_timestamp())
$$;

create table market.series (
  id int generated always as identity primary key,
  asset text not null check (asset ~ '^[A-Z0-9]{1,16}$'),
  step_s int not null check (step_s > 0),
  source text not null,
  digest text not null,
  rows bigint not null,
  at timestamptz not null default clock_timestamp(),
  unique (asset, step_s)
);

create table market.bar (
  series_id int not null references market.series,
  open_s bigint not null,
  open double precision not null,
  high double precision not null,
  low double precision not null,
  close double precision not null check (close > 0 and close < 'infinity'),
  primary key (series_id, open_s) include (close)
);
create trigger append_only before update or delete or truncate on market.bar
  for each statement execute function board.refuse_change();

-- The instant up to which the calling login may see closed bars; null, and so nothing, before a clock is set.
create function market.visible_until() returns timestamptz
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  select case
    when pg_has_role(session_user, 'swarm_explorer', 'member') and not pg_has_role(session_user, 'swarm_checker', 'member')
      or pg_has_role(session_user, 'swarm_optimizer', 'member') and not pg_has_role(session_user, 'swarm_checker', 'member')
    then date_trunc('day', market.now(), 'UTC')
      - (select sum(value) from board.constant where name in ('hidden_days', 'gap_days')) * interval '24 hours'
    else market.now()
  end
$$;

-- Closed bars of a series in [from_s, to_s) that the caller may see: 16 bytes a bar
-- (open time as int8, close as float8, both big-endian), in order of time.
create function market.bars(asset_name text, bar_step_s int, from_s bigint, to_s bigint) returns bytea
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  until_s bigint := floor(extract(epoch from market.visible_until()));
  sid int := (select id from market.series where asset = asset_name and step_s = bar_step_s);
begin
  return (
    select coalesce(string_agg(int8send(b.open_s) || float8send(b.close), ''::bytea order by b.open_s), ''::bytea)
    from market.bar b
    where b.series_id = sid and b.open_s >= from_s and b.open_s < to_s and b.open_s <= until_s - bar_step_s
  );
end $$;
