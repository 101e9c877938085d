// Is every signed record what its author signed with a key that was its own then, and was every result made under a lease that
// its author held?
import { assertSigned, type SignedKind } from '../../blackboard/signed.js';
import { type Audit, rowsOf } from './finding.js';
import { verified } from './identities.js';

const SIGNED: readonly SignedKind[] = ['claim', 'verdict', 'promotion'];
const FENCED = ['experiment', 'claim', 'verdict', 'challenger', 'gate_step', 'promotion'] as const;

interface SignedRow {
  readonly id: string;
  readonly signature: string;
  readonly author: string | null;
  readonly author_key: string | null;
}

export async function auditSignatures(audit: Audit): Promise<void> {
  for (const kind of SIGNED) {
    const rows = rowsOf<SignedRow>(
      audit.client,
      `select r.*, a.name as author, k.public_key as author_key from board.${kind} r left join board.agent a on a.id = r.agent_id
       left join board.agent_key k on k.agent_id = r.agent_id and r.at >= k.valid_from and (k.valid_to is null or r.at < k.valid_to)`,
    );
    for await (const row of rows) {
      audit.checked(kind);
      const { id, author, author_key } = row;
      if (author_key === null)
        audit.found({
          kind,
          id,
          reason: `its author ${author ?? 'is unknown and'} had no valid key when it was written`,
        });
      else if (
        !verified(() => {
          assertSigned(kind, row, author_key);
          return true;
        })
      )
        audit.found({ kind, id, reason: `it is not what ${author} signed` });
    }
  }
}

/** Leases were not written down before migration 0005: results of that time are counted and not judged. */
export async function auditHoldings(audit: Audit): Promise<void> {
  const { rows: began } = await audit.client.query<{ at: Date }>('select min(at) as at from board.holding');
  const since = began[0]?.at ?? null;
  for (const kind of FENCED) {
    const rows = rowsOf<{
      id: string;
      fence: number;
      work_id: string;
      early: boolean;
      known: boolean;
      own: boolean;
      same: boolean;
      late: boolean;
    }>(
      audit.client,
      `select r.id, r.fence, r.work_id, ${since === null ? 'true' : `r.at < (select min(at) from board.holding)`} as early,
         h.token is not null as known, coalesce(h.agent_id = r.agent_id, false) as own, coalesce(h.work_id = r.work_id, false) as same,
         exists (select from board.holding n where n.work_id = r.work_id and n.token > r.fence and n.at < r.at) as late
       from board.${kind} r left join board.holding h on h.token = r.fence
       where h.token is null or h.agent_id <> r.agent_id or h.work_id <> r.work_id
         or exists (select from board.holding n where n.work_id = r.work_id and n.token > r.fence and n.at < r.at)`,
    );
    for await (const row of rows) {
      if (!row.known && row.early) {
        audit.checked('result before leases were written down');
        continue;
      }
      const reason = !row.known
        ? `nobody ever took token ${row.fence}`
        : !row.own || !row.same
          ? `token ${row.fence} was not its author's for ${row.work_id}`
          : `its lease on ${row.work_id} had been taken over before it was written`;
      audit.found({ kind, id: row.id, reason });
    }
  }
  const { rows: counted } = await audit.client.query<{ n: string }>(
    'select count(*) as n from board.holding',
  );
  audit.checked('holding', Number(counted[0]!.n));
}
