-- What thinking may cost: caps in tokens and money, reserved before a call and settled after it.
--
-- A cap is a line of board.budget: for the fleet, an owner or an agent ('*': whoever has no line of its own), a day (UTC) or for ever.
-- Before a call its worst case is reserved; afterwards what it took is entered and the reservation goes. Spent and reserved together
-- never exceed a cap, whoever asks at the same time: reservations are made one at a time. One that outlives its term is given back
-- by whoever reserves next, so that an agent that was killed ties up nothing for ever. Without a line for the fleet nobody may
-- spend: no cap is no permission.
--
-- Budgets bind honest agents. One that enters less than its calls took has its own owner's bill to answer for.

create domain board.usd as numeric(14, 6) check (value >= 0);

create table board.budget (
  scope text not null check (scope in ('fleet', 'owner', 'agent')),
  subject text not null check (subject ~ '^(\*|[a-z0-9][a-z0-9._-]{0,62})$'),
  period text not null check (period in ('day', 'ever')),
  tokens bigint not null check (tokens >= 0),
  usd board.usd not null,
  primary key (scope, subject, period),
  check (scope <> 'fleet' or subject = '*')
);
comment on table board.budget is 'Caps, set by an administrator. subject *: whoever has no line of its own.';

insert into board.budget (scope, subject, period, tokens, usd) values
  ('fleet', '*', 'day', 5000000, 5), ('owner', '*', 'day', 2000000, 2), ('agent', '*', 'day', 1000000, 1);

create table board.spend (
  scope text not null,
  subject text not null,
  day date not null,
  tokens bigint not null check (tokens >= 0),
  usd board.usd not null,
  primary key (scope, subject, day)
);
comment on table board.spend is 'What was settled, by scope and day (UTC).';

create table board.reservation (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  owner text not null,
  agent text not null,
  day date not null,
  tokens bigint not null check (tokens >= 0),
  usd board.usd not null,
  expires_at timestamptz not null
);
comment on table board.reservation is 'Worst cases of calls under way.';
alter table board.reservation enable row level security;
create policy readable on board.reservation for select using (true);

-- Held by whoever reserves: one at a time.
create table board.budget_turn (id boolean primary key default true check (id));
insert into board.budget_turn default values;

-- Every cap with what counts against it now.
create view board.budget_state as
with known as (
  select 'fleet'::text as scope, '*'::text as subject
  union select 'owner', owner from board.agent where role in ('explorer', 'optimizer')
  union select 'agent', name from board.agent where role in ('explorer', 'optimizer')
), capped as (
  select k.scope, k.subject, p.period, coalesce(own.tokens, common.tokens) as cap_tokens, coalesce(own.usd, common.usd) as cap_usd
  from known k cross join (values ('day'), ('ever')) as p (period)
  left join board.budget own on (own.scope, own.subject, own.period) = (k.scope, k.subject, p.period)
  left join board.budget common on (common.scope, common.subject, common.period) = (k.scope, '*', p.period)
  where coalesce(own.tokens, common.tokens) is not null
)
select c.scope, c.subject, c.period, c.cap_tokens, c.cap_usd, s.tokens::bigint as spent_tokens, s.usd as spent_usd,
  r.tokens::bigint as held_tokens, r.usd as held_usd
from capped c
cross join lateral (
  select coalesce(sum(tokens), 0) as tokens, coalesce(sum(usd), 0)::numeric as usd from board.spend x
  where x.scope = c.scope and x.subject = c.subject and (c.period = 'ever' or x.day = (clock_timestamp() at time zone 'utc')::date)
) s
cross join lateral (
  select coalesce(sum(tokens), 0) as tokens, coalesce(sum(usd), 0)::numeric as usd from board.reservation x
  where x.expires_at > clock_timestamp()
    and case c.scope when 'owner' then x.owner = c.subject when 'agent' then x.agent = c.subject else true end
    and (c.period = 'ever' or x.day = (clock_timestamp() at time zone 'utc')::date)
) r;

-- Null when the worst case is reserved; else which cap has no room for it.
create function board.budget_reserve(reservation uuid, ask_tokens bigint, ask_usd numeric, term_s double precision) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  me record;
  cap record;
begin
  select a.id, a.name, a.owner into me from board.agent a
    where a.login = session_user and not exists (select from board.revocation r where r.agent_id = a.id);
  if not found then
    raise exception 'only an enrolled agent may reserve' using errcode = 'insufficient_privilege';
  end if;
  if not (ask_tokens >= 0 and ask_usd >= 0 and ask_usd < 'infinity' and term_s > 0) then
    raise exception 'a reservation of % tokens and % USD for % s', ask_tokens, ask_usd, term_s using errcode = 'check_violation';
  end if;
  perform from board.budget_turn for update;
  delete from board.reservation where expires_at <= clock_timestamp();
  if not exists (select from board.budget where scope = 'fleet') then
    return 'no budget is set for the fleet';
  end if;
  -- Each line in one statement: what is settled meanwhile counts as reserved or as spent, never twice and never not at all.
  for cap in
    select * from board.budget_state s
    where (s.scope, s.subject) in (('fleet', '*'), ('owner', me.owner), ('agent', me.name)) order by s.scope, s.period
  loop
    if cap.spent_tokens + cap.held_tokens + ask_tokens > cap.cap_tokens then
      return format('%s %s, %s: %s of %s tokens are left, %s are wanted', cap.scope, cap.subject, cap.period,
        greatest(0, cap.cap_tokens - cap.spent_tokens - cap.held_tokens), cap.cap_tokens, ask_tokens);
    end if;
    if cap.spent_usd + cap.held_usd + ask_usd > cap.cap_usd then
      return format('%s %s, %s: %s of %s USD are left, %s are wanted', cap.scope, cap.subject, cap.period,
        greatest(0, cap.cap_usd - cap.spent_usd - cap.held_usd), cap.cap_usd, ask_usd);
    end if;
  end loop;
  insert into board.reservation (id, agent_id, owner, agent, day, tokens, usd, expires_at)
    values (reservation, me.id, me.owner, me.name, (clock_timestamp() at time zone 'utc')::date, ask_tokens, ask_usd,
      clock_timestamp() + least(term_s, 900) * interval '1 second');
  return null;
end $$;

-- Enters what a call took. What was taken is entered also after the reservation has run out: the books are kept right.
-- Call it in the transaction of the llm_call row of the same id: then a second try settles nothing.
create function board.budget_settle(reservation uuid, used_tokens bigint, used_usd numeric) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  me record;
  booked date;
begin
  select a.id, a.name, a.owner into me from board.agent a where a.login = session_user;
  if not found then
    raise exception 'only an enrolled agent may settle' using errcode = 'insufficient_privilege';
  end if;
  if not (used_tokens >= 0 and used_usd >= 0 and used_usd < 'infinity') then
    raise exception 'a call that took % tokens and % USD', used_tokens, used_usd using errcode = 'check_violation';
  end if;
  delete from board.reservation r where r.id = reservation and r.agent_id = me.id returning r.day into booked;
  insert into board.spend as s (scope, subject, day, tokens, usd)
    select one.scope, one.subject, coalesce(booked, (clock_timestamp() at time zone 'utc')::date), used_tokens, used_usd
    from (values ('agent', me.name), ('fleet', '*'), ('owner', me.owner)) as one (scope, subject)
    order by one.scope
    on conflict (scope, subject, day) do update set tokens = s.tokens + excluded.tokens, usd = s.usd + excluded.usd;
end $$;

-- A call says what it was part of: calls of one decision share a thought, and the arm is what the router chose.
alter table board.llm_call add column thought uuid, add column strategy text not null default '', add column temperature double precision
  check (temperature between 0 and 2), add column attempts int not null default 1 check (attempts >= 1);
create index llm_call_by_thought on board.llm_call (thought);
create index llm_call_by_agent on board.llm_call (agent_id, at desc);
comment on column board.llm_call.thought is 'Of the decision that it served: board.decision.thought. A decision is written after the calls.';

alter table board.decision add column thought uuid, add column transcript board.sha256;
create index decision_by_thought on board.decision (thought);
comment on column board.decision.transcript is 'The conversation behind it, redacted, in the artifact store.';

-- What came of thinking: a stage of its own.
alter table board.attempt drop constraint attempt_stage_check;
alter table board.attempt add constraint attempt_stage_check check (stage in
  ('think', 'author', 'novelty', 'lease', 'data', 'fit', 'screen', 'score', 'artifact', 'record', 'check', 'gate', 'answer'));

revoke execute on function board.budget_reserve(uuid, bigint, numeric, double precision), board.budget_settle(uuid, bigint, numeric) from public;
grant execute on function board.budget_reserve(uuid, bigint, numeric, double precision), board.budget_settle(uuid, bigint, numeric)
  to swarm_explorer, swarm_optimizer;
grant insert (thought, strategy, temperature, attempts) on board.llm_call to swarm_explorer, swarm_optimizer;
grant insert (thought, transcript) on board.decision to swarm_explorer, swarm_optimizer;
grant select on board.budget, board.spend, board.reservation, board.budget_state to swarm_explorer, swarm_optimizer, swarm_checker,
  swarm_publisher, swarm_miner, swarm_validator, swarm_reader;
