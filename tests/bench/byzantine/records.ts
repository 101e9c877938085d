// The records of a simulated fleet, written in bulk through every trigger and constraint of the real tables.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { uuid7 } from '../../../blackboard/ids.js';
import type { Stated } from './owners.js';
import { sha } from './world.js';

export const START_MS = Date.parse('2026-01-01T00:00:00Z');
export const dayAt = (day: number, hours = 0): Date => new Date(START_MS + (day * 24 + hours) * 3_600_000);

export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
}

export const signature = (): string => randomBytes(64).toString('base64');

/** Rows of one table in one statement; columns that no row names take their defaults. */
export async function insertRows(
  client: pg.Client,
  table: string,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.keys(rows[0]!).join(', ');
  await client.query(
    `insert into ${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::${table}, $1::jsonb)`,
    [JSON.stringify(rows)],
  );
}

/** Leases of a day, each with its token; those that the database refuses are missing from the answer. */
export async function takeLeases(
  client: pg.Client,
  wanted: readonly { work_id: string; holder: string }[],
): Promise<Map<string, number>> {
  const taken = new Map<string, number>();
  for (const { work_id, holder } of wanted) {
    await client.query('savepoint lease');
    try {
      const { rows } = await client.query<{ token: string }>(
        `insert into board.lease (work_id, holder, token, expires_at)
         values ($1, $2, nextval('board.fence_token'), clock_timestamp() + interval '1 day') returning token`,
        [work_id, holder],
      );
      if (rows[0] !== undefined) taken.set(work_id, Number(rows[0].token));
      await client.query('release savepoint lease');
    } catch {
      await client.query('rollback to savepoint lease');
    }
  }
  return taken;
}

/** Leases on checks whose turn was read a moment before in the same transaction: what the trigger would ask again for each of them. */
export async function takeTurns(
  client: pg.Client,
  wanted: readonly { work_id: string; holder: string }[],
): Promise<Map<string, number>> {
  await client.query('alter table board.lease disable trigger b_turn');
  const { rows } = await client.query<{ work_id: string; token: string }>(
    `insert into board.lease (work_id, holder, token, expires_at)
     select w.work_id, w.holder, nextval('board.fence_token'), clock_timestamp() + interval '1 day'
     from jsonb_to_recordset($1::jsonb) as w (work_id text, holder uuid) on conflict do nothing returning work_id, token`,
    [JSON.stringify(wanted)],
  );
  await client.query('alter table board.lease enable trigger b_turn');
  return new Map(rows.map((r) => [r.work_id, Number(r.token)]));
}

export interface Claimed extends Stated {
  readonly id: string;
  readonly day: number;
  readonly by: Agent;
}

/** Briefing, decision, experiment and claim of everything that is stated in one round. */
export async function insertClaims(
  client: pg.Client,
  claims: readonly Claimed[],
  fences: ReadonlyMap<string, { work_id: string; fence: number }>,
  day: number,
): Promise<void> {
  const told = claims.map(() => uuid7());
  const decided = claims.map(() => uuid7());
  const made = claims.map(() => uuid7());
  const shared = (c: Claimed): Record<string, unknown> => ({
    agent_id: c.by.id,
    slot: c.model.slot,
    artifact: c.model.artifact,
    family: 'simulated',
    spec: { family: 'simulated', knob: Number.parseInt(c.model.spec_digest.slice(0, 8), 16) / 2 ** 32 },
    spec_digest: c.model.spec_digest,
    as_of: dayAt(day),
    data_cutoff: dayAt(day - 62),
    dataset_digest: sha('data'),
    windows_digest: sha('public', day),
    n_windows: 60,
    seed: 's',
    code_version: 'simulated',
    mean_crps: 1,
    ...fences.get(c.by.id),
  });
  await insertRows(
    client,
    'board.briefing',
    claims.map((c, i) => ({ id: told[i], agent_id: c.by.id, slot: c.model.slot, seed: 's', items: [] })),
  );
  await insertRows(
    client,
    'board.decision',
    claims.map((c, i) => ({
      id: decided[i],
      agent_id: c.by.id,
      briefing_id: told[i],
      slot: c.model.slot,
      strategist: 'simulated',
      move: 'new',
      parent_digests: [],
      spec: {},
      spec_digest: c.model.spec_digest,
      seed: 's',
      reason: '',
    })),
  );
  await insertRows(
    client,
    'board.experiment',
    claims.map((c, i) => ({
      ...shared(c),
      id: made[i],
      decision_id: decided[i],
      yardstick_crps: 1,
      gain: Math.min(c.gain, 0.9),
      se: c.se,
      cost_ms: 1000,
    })),
  );
  await insertRows(
    client,
    'board.claim',
    claims.map((c, i) => ({
      ...shared(c),
      id: c.id,
      experiment_id: made[i],
      claimed_gain: Math.min(c.gain, 0.9),
      claimed_se: c.se,
      signature: signature(),
    })),
  );
}

/** A pattern with a note for each claim whose author leaves one. */
export const insertPatterns = (
  client: pg.Client,
  claims: readonly Claimed[],
  noteOf: (claim: Claimed) => string,
): Promise<void> =>
  insertRows(
    client,
    'board.pattern',
    claims
      .filter((c) => noteOf(c) !== '')
      .map((c) => ({
        id: uuid7(),
        agent_id: c.by.id,
        slot: c.model.slot,
        family: 'simulated',
        direction: 1,
        effect: 0.5,
        note: noteOf(c),
      })),
  );
