// What an audit says: one finding for every thing that does not match, and how much it looked at.
import type pg from 'pg';
import { wireTypes } from '../../blackboard/db.js';

export interface Finding {
  /** Such as claim, verdict, promotion, enrolment, revocation, artifact, holding, trust, credit, gate. */
  readonly kind: string;
  /** Of the record; an owner for trust, a digest for artifacts. */
  readonly id: string;
  readonly reason: string;
}

export interface Audit {
  readonly client: pg.ClientBase;
  found(finding: Finding): void;
  /** Counts what was looked at, by kind. */
  checked(kind: string, n?: number): void;
}

const BATCH = 1000;
let cursors = 0;

/** Rows of a query one batch at a time: a million of them need no memory. Only inside a transaction. */
export async function* rowsOf<T extends pg.QueryResultRow>(
  client: pg.ClientBase,
  text: string,
): AsyncGenerator<T> {
  const cursor = `audit_${++cursors}`;
  await client.query(`declare ${cursor} no scroll cursor for ${text}`);
  try {
    for (;;) {
      // Numbers as their authors signed them.
      const { rows } = await client.query<T>({ text: `fetch ${BATCH} from ${cursor}`, types: wireTypes });
      yield* rows;
      if (rows.length < BATCH) return;
    }
  } finally {
    await client.query(`close ${cursor}`).catch(() => undefined);
  }
}
