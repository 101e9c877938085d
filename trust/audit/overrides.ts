// Reigns that were made past the gate: counted, and held to what even they must be. That their author signed them with their reason is
// looked at where all signatures are.
import { type Audit, rowsOf } from './finding.js';

interface Override {
  readonly id: string;
  readonly reason: string | null;
  readonly role: string | null;
  readonly previous: string;
  readonly before: string | null;
  readonly vouched: boolean;
}

export async function auditOverrides(audit: Audit): Promise<void> {
  const overrides = rowsOf<Override>(
    audit.client,
    `select p.id, p.reason, a.role, p.previous, b.artifact as before,
       exists (select from board.promotion e where e.slot = p.slot and e.artifact = p.artifact and e.reign < p.reign)
         or exists (select from board.verdict v join board.claim c on c.id = v.claim_id
           where c.slot = p.slot and c.artifact = p.artifact and v.finding = 'scored' and v.at <= p.at) as vouched
     from board.promotion p left join board.agent a on a.id = p.agent_id
     left join board.promotion b on b.slot = p.slot and b.reign = p.reign - 1 where p.kind = 'override'`,
  );
  for await (const row of overrides) {
    audit.checked('override');
    for (const reason of faults(row)) audit.found({ kind: 'override', id: row.id, reason });
  }
}

function* faults(row: Override): Generator<string> {
  if (row.reason === null || row.reason.trim() === '') yield 'it gives no reason';
  if (row.role !== 'publisher') yield `its author is a ${row.role ?? 'stranger'}, and publishers alone may`;
  if (row.previous !== row.before) yield 'it did not follow the reign that it names';
  if (!row.vouched) yield 'its model never reigned there, and no checker had scored it';
}
