// Did every agent's owner sign for it, key by key, and did an owner sign what says that it did?
import { isEnrolment, isRevocation } from '../../blackboard/identity/enrolment.js';
import { type Audit, rowsOf } from './finding.js';

interface EnrolmentRow {
  readonly id: string;
  readonly agent_id: string;
  readonly name: string;
  readonly owner: string;
  readonly role: string;
  readonly login: string;
  readonly serial: number;
  readonly before: number | null;
  readonly public_key: string;
  readonly first_key: string;
  readonly nats_key: string;
  readonly issued_at: Date;
  readonly signature: string;
  readonly owner_key: string | null;
}

export async function auditIdentities(audit: Audit): Promise<void> {
  // Name, owner, role and login as the agent's row has them: the signature covers what trust and rights go by.
  const enrolments = rowsOf<EnrolmentRow>(
    audit.client,
    `select e.id, e.agent_id, a.name, a.owner, a.role, a.login::text, e.serial, e.public_key, a.public_key as first_key, e.nats_key,
       e.issued_at, e.signature, o.public_key as owner_key,
       lag(e.serial) over (partition by e.agent_id order by e.serial) as before
     from board.enrolment e join board.agent a on a.id = e.agent_id left join board.owner o on o.name = a.owner order by e.agent_id, e.serial`,
  );
  for await (const row of enrolments) {
    audit.checked('enrolment');
    const say = (reason: string): void => audit.found({ kind: 'enrolment', id: row.id, reason });
    if (row.owner_key === null) say(`owner ${row.owner} of ${row.name} has no key`);
    else if (!verified(() => isEnrolment(row.owner_key!, row, row.signature)))
      say(`${row.name} was not signed for by ${row.owner}`);
    if (row.serial !== (row.before ?? 0) + 1)
      say(`${row.name} has key ${row.serial} after key ${row.before ?? 0}`);
    if (row.serial === 1 && row.public_key !== row.first_key)
      say(`${row.name} is registered with another key`);
  }
  const unsigned = rowsOf<{ id: string; name: string }>(
    audit.client,
    'select id, name from board.agent a where not exists (select from board.enrolment e where e.agent_id = a.id)',
  );
  for await (const { id, name } of unsigned)
    audit.found({ kind: 'agent', id, reason: `no owner has signed for ${name}` });
  const revocations = rowsOf<{
    id: string;
    agent_id: string;
    owner: string;
    reason: string;
    issued_at: Date;
    signature: string;
    owner_key: string | null;
  }>(
    audit.client,
    `select r.id, r.agent_id, a.owner, r.reason, r.issued_at, r.signature, o.public_key as owner_key
     from board.revocation r join board.agent a on a.id = r.agent_id left join board.owner o on o.name = a.owner where r.signature is not null`,
  );
  for await (const row of revocations) {
    audit.checked('revocation');
    if (row.owner_key === null || !verified(() => isRevocation(row.owner_key!, row, row.signature)))
      audit.found({ kind: 'revocation', id: row.id, reason: `not signed by ${row.owner}` });
  }
}

/** A key or signature that cannot even be read verifies nothing. */
export function verified(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false;
  }
}
