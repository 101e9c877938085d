// The desk of one decision: what a strategist may ask while it thinks, on one slot and day.
// Promises: what it reads it reads through views in a read-only transaction that ends soon; what it measures is the trainer's
// own experiment on fewer windows; what it writes is a pattern in the agent's own name. Leaves to others: what to ask.
import { sql, type Transaction } from 'kysely';
import type { Db } from '../../blackboard/db.js';
import type { DB } from '../../blackboard/schema.generated.js';
import { shortText } from '../../blackboard/text.js';
import { type Spec, specDigest } from '../../forecast/families/index.js';
import type { Desk, FailureSeen, Noted, Tried } from '../strategist/strategist.js';
import type { ExperimentInput, ExperimentResult } from '../trainer/experiment.js';
import type { AgentContext } from './context.js';
import type { SlotView } from './slot.js';

const READ_TIMEOUT_MS = 5000;
/** Windows of a probe: enough to tell good from bad, a fifth of a day's. */
const PROBE_WINDOWS = 12;

export interface DeskOptions {
  readonly context: AgentContext;
  readonly view: SlotView;
  readonly as_of_s: number;
  /** Everything of an experiment but its spec. */
  readonly setUp: (spec: Spec) => Promise<Omit<ExperimentInput, 'spec'>>;
  readonly run: (input: ExperimentInput) => Promise<ExperimentResult>;
}

/** Reads in a transaction that cannot write and does not last. */
function reading<T>(db: Db, read: (trx: Transaction<DB>) => Promise<T>): Promise<T> {
  return db
    .transaction()
    .setAccessMode('read only')
    .execute(async (trx) => {
      await sql`select set_config('statement_timeout', ${String(READ_TIMEOUT_MS)}, true)`.execute(trx);
      return read(trx);
    });
}

/** Verdicts that an archive is read with: the best, since these decide where to search. */
const VERDICTS = 200;

/** The newest experiments of a slot, with what verdicts make of them. */
export async function archiveOf(
  db: Db,
  slot: string,
  limit: number,
): Promise<(Tried & { id: string; owner: string })[]> {
  const known = await db
    .selectFrom('trust.told_spec')
    .select(['spec_digest', 'verified_gain as gain', 'verified_se as se'])
    .where('slot', '=', slot)
    .orderBy(sql`verified_gain - verified_se`, 'desc')
    .limit(VERDICTS)
    .execute();
  const verdicts = new Map(known.map(({ spec_digest, gain, se }) => [spec_digest, { gain: gain!, se: se! }]));
  const tried = (await db
    .selectFrom('board.tried')
    .select(['id', 'owner', 'spec', 'spec_digest', 'gain', 'se'])
    .where('slot', '=', slot)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()) as unknown as (Tried & { id: string; owner: string })[];
  return tried.map((t) => {
    const verdict = verdicts.get(t.spec_digest);
    return verdict === undefined ? t : { ...t, verdict };
  });
}

/** Whether nobody has run the spec on a slot and day. */
export async function isNewSpec(db: Db, slot: string, spec: Spec, as_of_s: number): Promise<boolean> {
  const twin = await db
    .selectFrom('board.experiment')
    .select('id')
    .where('slot', '=', slot)
    .where('spec_digest', '=', specDigest(spec))
    .where('as_of', '=', new Date(as_of_s * 1000))
    .limit(1)
    .executeTakeFirst();
  return twin === undefined;
}

export function openDesk({ context, view, as_of_s, setUp, run }: DeskOptions): Desk {
  const { db } = context;
  const { slot } = view;
  return {
    owner: context.who.owner,
    tried: (limit) => reading(db, (trx) => archiveOf(trx, slot, limit)),
    noted: (limit) => reading(db, (trx) => notedOf(trx, slot, limit)),
    failures: (limit) => reading(db, (trx) => failuresOf(trx, slot, limit)),
    isNew: (spec) => reading(db, (trx) => isNewSpec(trx, slot, spec, as_of_s)),
    async probe(spec) {
      const input = await setUp(spec);
      const stride = Math.max(1, Math.floor(input.starts.length / PROBE_WINDOWS));
      const { gain, se, n_windows } = await run({
        ...input,
        spec,
        starts: input.starts.filter((_, i) => i % stride === 0),
        lag: Math.floor(input.lag / stride),
        min_windows: Math.min(input.min_windows, PROBE_WINDOWS >> 1),
      });
      return { gain, se, n_windows };
    },
    async note({ note, direction, ...pattern }) {
      await db
        .insertInto('board.pattern')
        .values({
          ...context.stamp(),
          slot,
          ...pattern,
          direction: direction < 0 ? -1 : 1,
          note: shortText(note),
        })
        .execute();
    },
  };
}

async function notedOf(db: Db, slot: string, limit: number): Promise<Noted[]> {
  const { rows } = await sql<Noted>`
    select n.id, n.owner, n.family, n.knob, n.low, n.high, n.direction, n.effect, n.note, t.gain as verified_effect
    from board.noted n left join lateral (
      select gain from trust.told_pattern t where t.pattern_id = n.id order by scope desc limit 1) t on true
    where n.slot = ${slot} or n.slot is null
    order by n.id desc limit ${limit}`.execute(db);
  return rows;
}

/** What failed of a slot's experiments, newest first. */
export async function failuresOf(db: Db, slot: string, limit: number): Promise<FailureSeen[]> {
  const { rows } = await sql<FailureSeen>`
    select d.spec ->> 'family' as family, a.code, a.reason, d.spec
    from board.attempt a join board.decision d on d.id = a.decision_id
    where a.slot = ${slot} and a.stage in ('fit', 'score', 'author') order by a.id desc limit ${limit}`.execute(
    db,
  );
  return rows;
}
