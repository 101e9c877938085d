// Claims for the bench: experiments that the administrator put there, and claims on them by their author's own login, through
// every trigger. Signatures are random: the database knows their shape, and readers verify them.
import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { uuid7 } from '../../../blackboard/ids.js';
import { type Agent, type BenchGround, hex, NOW, SLOTS } from './ground.js';

const COLUMNS = [
  'id',
  'agent_id',
  'experiment_id',
  'slot',
  'artifact',
  'family',
  'spec',
  'spec_digest',
  'as_of',
  'data_cutoff',
  'dataset_digest',
  'windows_digest',
  'n_windows',
  'seed',
  'code_version',
  'mean_crps',
  'claimed_gain',
  'claimed_se',
  'signature',
  'work_id',
  'fence',
] as const;

const SPEC = JSON.stringify({
  family: 'garch_t',
  horizon_s: 86_400,
  gjr: true,
  history_bars: 576,
  scale: 'fit',
  nu: 'fit',
});
export const AS_OF = NOW.replace('T12', 'T00');

interface Experiment {
  readonly id: string;
  readonly spec_digest: string;
}

/** What a claim's author has to have: experiments that no claim is about yet, and a lease that lasts. */
export interface Author extends Agent {
  readonly work_id: string;
  readonly fence: number;
  /** The next experiment of this author. */
  next(): Experiment;
}

/** `count` experiments by this agent, written past the triggers, and a lease of an hour of their own. */
export async function authorOf(ground: BenchGround, agent: Agent, count: number): Promise<Author> {
  const { admin } = ground;
  const work_id = `bench:${uuid7()}`;
  await admin.query('set session_replication_role = replica');
  const { rows } = await admin.query<Experiment>(
    `with r as (select board.new_id() as id from generate_series(1, $3))
     insert into board.experiment (id, agent_id, decision_id, slot, family, spec, spec_digest, as_of, data_cutoff, dataset_digest,
       windows_digest, n_windows, seed, code_version, artifact, mean_crps, yardstick_crps, gain, se, cost_ms, work_id, fence)
     select id, $1, $2, $4, 'garch_t', $5, md5(id::text) || $6, $7, '2026-03-01', $8, $9, 60, 's', 'bench', $10, 1.25, 1.3, 0.04, 0.01, 900, 'w', 0 from r
     returning id, spec_digest`,
    [agent.who.id, uuid7(), count, SLOTS[0], SPEC, hex('s').slice(32), AS_OF, hex('d'), hex('w'), hex('a')],
  );
  await admin.query('reset session_replication_role; analyze board.experiment');
  const {
    rows: [lease],
  } = await admin.query<{ token: string }>(
    `insert into board.lease (work_id, holder, token, expires_at)
     values ($1, $2, nextval('board.fence_token'), clock_timestamp() + interval '1 hour') returning token`,
    [work_id, agent.who.id],
  );
  return {
    ...agent,
    work_id,
    fence: Number(lease!.token),
    next() {
      const experiment = rows.pop();
      if (experiment === undefined) throw new Error('the bench ran out of experiments');
      return experiment;
    },
  };
}

function claim(by: Author): { id: string; values: unknown[] } {
  const id = uuid7();
  const experiment = by.next();
  return {
    id,
    values: [
      id,
      by.who.id,
      experiment.id,
      SLOTS[0],
      hex('a'),
      'garch_t',
      SPEC,
      experiment.spec_digest,
      AS_OF,
      '2026-03-01T00:00:00Z',
      hex('d'),
      hex('w'),
      60,
      's',
      'bench',
      1.25,
      0.04,
      0.01,
      `${randomBytes(64).toString('base64')}`,
      by.work_id,
      by.fence,
    ],
  };
}

const places = (rows: number): string =>
  Array.from(
    { length: rows },
    (_, r) => `(${COLUMNS.map((_c, i) => `$${r * COLUMNS.length + i + 1}`).join(', ')})`,
  ).join(', ');

/** Inserts `rows` claims in one statement; returns their ids. */
export async function insertClaims(client: pg.Client, by: Author, rows = 1): Promise<string[]> {
  const all = Array.from({ length: rows }, () => claim(by));
  await client.query({
    name: `claims ${rows}`,
    text: `insert into board.claim (${COLUMNS.join(', ')}) values ${places(rows)}`,
    values: all.flatMap((one) => one.values),
  });
  return all.map((one) => one.id);
}
