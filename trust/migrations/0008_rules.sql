-- What the views say is what the tables accept: who checks, which share of alpha a challenger has, and what is promoted.
--
-- A turn is drawn by the claim's salt among live checkers of other owners (trust.check_turn); a lease on a check is given to whoever
-- has the turn and to nobody else, and a verdict is taken under that lease alone. So nobody judges unasked.

create function trust.keep_turn() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  -- check : claim : reign : name
  part text[] := regexp_match(new.work_id, '^check:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):([0-9]{1,9}):');
begin
  if split_part(new.work_id, ':', 1) <> 'check' then
    return new;
  end if;
  -- Not an error: a turn may have passed on between looking and taking. No row, no token.
  if part is null or not exists (
    select from trust.check_turn t where t.claim_id = part[1]::uuid and t.reign = part[2]::int and t.checker_id = new.holder) then
    return null;
  end if;
  return new;
end $$;
create trigger b_turn before insert or update of token on board.lease for each row execute function trust.keep_turn();

create function trust.keep_asked() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.work_id <> 'check:' || new.claim_id || ':' || new.reign || ':' || (select name from board.agent where id = new.agent_id) then
    raise exception 'a verdict on claim % cannot be given under the lease on %', new.claim_id, new.work_id using errcode = 'SW012';
  end if;
  return new;
end $$;
create trigger asked before insert on board.verdict for each row execute function trust.keep_asked();

-- Nothing was measured on fewer windows than have a spread.
create function trust.keep_measured() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.finding = 'scored' and new.n_windows < 2 then
    raise exception 'a verdict on claim % rests on % hidden windows', new.claim_id, new.n_windows using errcode = '23514';
  end if;
  return new;
end $$;
create trigger measured before insert on board.verdict for each row execute function trust.keep_measured();

create function trust.keep_alpha() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  due double precision := case new.kind when 'rollback' then trust.constant('rollback_alpha')
    else trust.constant('gate_alpha') * 6 / (pi() ^ 2 * new.k ^ 2) end;
begin
  if abs(new.alpha / due - 1) > 1e-9 then
    raise exception 'challenger % of reign % has alpha %, and its share is %', new.k, new.reign, new.alpha, due using errcode = 'SW013';
  end if;
  if new.kind = 'challenge' and new.k <> 1 + (select count(*) from board.challenger c where c.slot = new.slot and c.reign = new.reign and c.kind = 'challenge') then
    raise exception 'challenger % is not the next one of reign %', new.k, new.reign using errcode = 'SW013';
  end if;
  return new;
end $$;
create trigger alpha before insert on board.challenger for each row execute function trust.keep_alpha();

create function trust.keep_gate() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if new.kind <> 'found' and not exists (
    select from trust.gate g
    where g.challenger_id = new.challenger_id and g.slot = new.slot and g.artifact = new.artifact and g.stage = 'passed'
      and g.windows = new.windows and abs(ln(g.e_value) - ln(new.e_value)) < 1e-6 and abs(g.threshold / new.threshold - 1) < 1e-9) then
    raise exception 'promotion %: the gate does not say so of challenger %', new.id, new.challenger_id using errcode = 'SW013';
  end if;
  return new;
end $$;
create trigger gate before insert on board.promotion for each row execute function trust.keep_gate();

revoke execute on function trust.keep_turn(), trust.keep_asked(), trust.keep_measured(), trust.keep_alpha(), trust.keep_gate() from public;
