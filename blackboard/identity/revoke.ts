// Revocation: an agent's time is over. First the door is shut, then everybody inside is sent out, then the row says since when:
// so no record of the agent is younger than its revocation. What it wrote before stays; its leases end by themselves.
import pg from 'pg';
import { uuid7 } from '../ids.js';
import { signRevocation } from './enrolment.js';
import type { OwnerKey } from './owner.js';
import { endSessions, type KnownAgent, knownAgent, pinOwner, registered } from './register.js';

/**
 * Revokes an agent by name or id; again is harmless, and completes what was cut short. Without its owner's key the row says that
 * the administrator did it.
 */
export async function revoke(
  admin: pg.Client,
  by: string,
  reason: string,
  owner: OwnerKey | null,
): Promise<KnownAgent> {
  const shut = (agent: KnownAgent): Promise<unknown> =>
    admin.query(`alter role ${pg.escapeIdentifier(agent.login)} nologin`);
  const agent = await registered(admin, async () => {
    const found = await knownAgent(admin, by);
    if (owner !== null) await pinOwner(admin, owner);
    await shut(found);
    return found;
  });
  await endSessions(admin, agent.login);
  const issued_at = new Date();
  const signed = { agent_id: agent.id, owner: agent.owner, reason, issued_at };
  await registered(admin, async () => {
    // An enrolment of the same file may have opened the door in between; once the row is there, none does.
    await shut(agent);
    await admin.query(
      `insert into board.revocation (id, agent_id, reason, issued_at, signature) values ($1, $2, $3, $4, $5)
       on conflict (agent_id) do nothing`,
      [uuid7(), agent.id, reason, issued_at, owner === null ? null : signRevocation(owner, signed)],
    );
  });
  await endSessions(admin, agent.login);
  return agent;
}
