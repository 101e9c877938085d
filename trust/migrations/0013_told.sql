-- A briefing reads specs without the trust of every owner, and then of those whose specs it tells. A function keeps its plan, where
-- each query of trust.owner is planned anew for longer than it runs; it is the owner's, so that the plan holds whoever asks.

create view trust.told_spec as
select s.claim_id, s.slot, c.family, c.spec, s.spec_digest, s.owner, s.told_gain as verified_gain, s.told_se as verified_se,
  coalesce((select n from trust.counted k where k.name = 'child' and k.key = s.slot || ' ' || s.spec_digest), 0) as children
from trust.standing s
join board.claim c on c.id = s.claim_id
where s.honest;

create or replace view trust.known_spec as
select t.claim_id, t.slot, t.family, t.spec, t.spec_digest, t.owner, o.trust, t.verified_gain, t.verified_se, t.children
from trust.told_spec t join trust.owner o on o.owner = t.owner and o.kind = 'claims';

create function trust.believed(owners text[]) returns table (owner text, trust double precision)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return query select o.owner, o.trust from trust.owner o where o.kind = 'claims' and o.owner = any(owners);
end $$;

comment on view trust.told_spec is 'Verified specs as a briefing tells them: gains rounded by the ladder.';
comment on function trust.believed(text[]) is 'Trust of these owners for their claims.';
grant select on trust.told_spec to swarm_explorer, swarm_optimizer, swarm_publisher, swarm_reader;
revoke execute on function trust.believed(text[]) from public;
grant execute on function trust.believed(text[]) to swarm_explorer, swarm_optimizer, swarm_publisher, swarm_reader;
