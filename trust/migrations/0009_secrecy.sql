-- A checker knows nothing of other checks of the same claim until its own is written: neither their numbers, nor whether there are any.
--
-- That is what a commitment is for. A verdict is append-only and signed, there is one per owner, claim and reign, and the first counts: so a
-- number that could not be chosen after the others were seen is committed by being written. Row security withholds the others until
-- then, and everything from which they follow: the views of this schema, leases on checks, and what other checkers complain of.
-- A first check, one that is wanted because two disagree, and one whose answer is known (planted) look the same: a row of trust.my_turn.

-- True once the caller's owner has judged the claim in that reign, or where it is the owner's own claim.
create function trust.may_see(claim uuid, in_reign int) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from board.agent me join board.agent kin on kin.owner = me.owner
    where me.id = board.current_agent() and (
      exists (select from board.verdict v where v.claim_id = claim and v.reign = in_reign and v.agent_id = kin.id)
      or exists (select from board.claim c where c.id = claim and c.agent_id = kin.id)))
$$;
revoke execute on function trust.may_see(uuid, int) from public;
grant execute on function trust.may_see(uuid, int) to swarm_explorer, swarm_optimizer, swarm_checker, swarm_miner, swarm_validator;

create policy sealed on board.verdict as restrictive for select
  to swarm_explorer, swarm_optimizer, swarm_checker, swarm_miner, swarm_validator using (trust.may_see(claim_id, reign));

-- A lease on a check says who judges what.
alter table board.lease enable row level security;
create policy readable on board.lease for select using (true);
create policy sealed on board.lease as restrictive for select
  to swarm_explorer, swarm_optimizer, swarm_checker, swarm_miner, swarm_validator, swarm_feed, swarm_relay
  using (holder = (select board.current_agent()) or work_id not like 'check:%');

create policy sealed on board.attempt as restrictive for select to swarm_checker using (agent_id = (select board.current_agent()));
create policy sealed on board.alert as restrictive for select to swarm_checker using (agent_id = (select board.current_agent()));

create or replace view trust.check_turn as
with live as (
  select a.id, a.owner, a.name from board.agent a join board.presence p on p.agent_id = a.id
  where a.role = 'checker' and p.beat_at > clock_timestamp() - (select trust.constant('presence_s')) * interval '1 second'
), sent as (
  select distinct on (n.claim_id, l.owner) n.*, l.id as checker_id, l.owner as checker_owner
  from trust.check_need n join live l on l.owner <> n.owner
  where not exists (
    select from board.verdict v join board.agent b on b.id = v.agent_id
    where v.claim_id = n.claim_id and v.reign = n.reign and b.owner = l.owner)
  order by n.claim_id, l.owner, md5(n.salt::text || l.name)
), drawn as (
  select *, row_number() over (partition by claim_id order by md5(salt::text || checker_owner)) as turn from sent
)
select claim_id, owner, slot, reign, champion, reign_at, salt, as_of, have, priority, wanted, checker_id, checker_owner, turn, retrace
from drawn where turn <= wanted - have;

-- What is said to the checker whose turn it is. Where more is wanted a claim comes earlier, but not so that its place would tell.
create view trust.my_turn as
select claim_id, slot, reign, champion, reign_at, retrace,
  row_number() over (order by priority / (2 * wanted - 1) desc, claim_id) as place
from trust.check_turn where checker_id = board.current_agent();

revoke select on all tables in schema trust from swarm_checker;
grant select on trust.my_turn, trust.champion to swarm_checker;
grant select on trust.my_turn to swarm_publisher, swarm_reader;
