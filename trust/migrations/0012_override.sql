-- A hand on the gate: a publisher's owner may put a model on a slot's throne past the gate, and everybody sees that he did.
--
-- An override is a promotion of a kind of its own. It states its reason, which its signature covers, and no evidence; it is taken under a
-- lease of its own, only from the model that reigns, and only to one that has reigned in this slot or that a checker has scored and no
-- majority refused. It earns its publisher nothing, and nothing is held for or against the promotion that it ends.

alter table board.promotion add column reason board.short_text;
comment on column board.promotion.reason is 'why the gate was passed by; null: it was not';

do $$
declare
  one record;
begin
  -- The rules on evidence, by what they say: they were given no names.
  for one in
    select conname from pg_constraint where conrelid = 'board.promotion'::regclass and contype = 'c'
      and pg_get_constraintdef(oid) ~ 'kind' and pg_get_constraintdef(oid) !~ 'reign'
  loop
    execute format('alter table board.promotion drop constraint %I', one.conname);
  end loop;
end $$;
alter table board.promotion
  add constraint promotion_kind check (kind in ('found', 'promote', 'rollback', 'override')),
  add constraint promotion_earned check (kind in ('found', 'override') or num_nulls(previous, challenger_id, e_value, threshold, windows) = 0),
  add constraint promotion_evidence check (kind in ('found', 'override') or e_value >= threshold),
  add constraint promotion_override check (case when kind = 'override'
    then previous is not null and reason is not null and length(trim(reason)) > 0 and num_nonnulls(challenger_id, e_value, threshold, windows) = 0
    else reason is null end);

create function trust.keep_override() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.work_id <> 'override:' || new.slot || ':' || new.reign then
    raise exception 'override %: it was not given under the lease on %', new.id, 'override:' || new.slot || ':' || new.reign using errcode = 'SW018';
  end if;
  if not exists (select from trust.champion ch where ch.slot = new.slot and ch.reign = new.reign - 1 and ch.artifact = new.previous)
    or new.artifact = new.previous then
    raise exception 'override %: % does not reign over % in reign %, or is to follow itself', new.id, new.previous, new.slot, new.reign - 1
      using errcode = 'SW018';
  end if;
  if not exists (select from board.promotion p where p.slot = new.slot and p.artifact = new.artifact)
    and not exists (select from trust.claim_result r where r.slot = new.slot and r.artifact = new.artifact and r.checks > r.refusals * 2) then
    raise exception 'override %: % never reigned over %, and no checker vouches for it', new.id, new.artifact, new.slot using errcode = 'SW018';
  end if;
  return new;
end $$;
revoke execute on function trust.keep_override() from public;
create trigger override before insert on board.promotion for each row when (new.kind = 'override') execute function trust.keep_override();

drop trigger gate on board.promotion;
create trigger gate before insert on board.promotion for each row when (new.kind <> 'override') execute function trust.keep_gate();

grant insert (reason) on board.promotion to swarm_publisher;

-- Neither an override nor the promotion that it ends is an event.
create or replace view trust.promotion_event as
select a.owner, p.id as promotion_id, p.slot, coalesce(n.kind, '') <> 'rollback' as honest, p.market_at,
  case when n.id is null then p.market_at + trust.constant('publisher_survival_days') * interval '24 hours' else '-infinity' end as counts_from
from board.promotion p
join board.agent a on a.id = p.agent_id
left join board.promotion n on n.slot = p.slot and n.reign = p.reign + 1
where p.kind not in ('found', 'override') and coalesce(n.kind, '') <> 'override';

create view fleet.overrides as
select p.id, p.slot, p.reign, p.artifact, p.family, p.previous, p.reason, a.name as agent, a.owner, p.at, p.market_at
from board.promotion p join board.agent a on a.id = p.agent_id where p.kind = 'override' order by p.at desc, p.id desc;
grant select on fleet.overrides to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator, swarm_feed,
  swarm_relay, swarm_reader;

comment on view fleet.overrides is 'Every reign that was made past the gate, newest first.';
comment on column fleet.overrides.id is 'of board.promotion';
comment on column fleet.overrides.slot is 'competition and asset';
comment on column fleet.overrides.reign is 'number of the reign';
comment on column fleet.overrides.artifact is 'the champion, a sha256';
comment on column fleet.overrides.family is 'family of its model';
comment on column fleet.overrides.previous is 'the champion before';
comment on column fleet.overrides.reason is 'why, in the words of who did it';
comment on column fleet.overrides.agent is 'the publisher whose key signed it';
comment on column fleet.overrides.owner is 'of that publisher';
comment on column fleet.overrides.at is 'wall time';
comment on column fleet.overrides.market_at is 'market time';
comment on column fleet.promotions.kind is 'found, promote, rollback, or override: past the gate, see fleet.overrides';
