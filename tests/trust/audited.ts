// A small honest history with everything that an audit looks at: signed claims, verdicts and a promotion through the gate,
// artifacts with their bytes, a rotated and a revoked checker.
import { join } from 'node:path';
import { expect } from 'vitest';
import { directoryStore } from '../../blackboard/artifacts/directory.js';
import type { ArtifactStore } from '../../blackboard/artifacts.js';
import { openOwnerKey } from '../../blackboard/identity/owner.js';
import { revoke } from '../../blackboard/identity/revoke.js';
import { rotate } from '../../blackboard/identity/rotate.js';
import { uuid7 } from '../../blackboard/ids.js';
import { signRecord } from '../../blackboard/signed.js';
import { boundedSteps } from '../../trust/gate-step.js';
import {
  type Board,
  DIGEST,
  type Enrolled,
  homeOf,
  insert,
  openBoard,
  type Row,
} from '../blackboard/board.js';
import { claimOf, experiment, founded, leased, SLOT, verdict } from '../blackboard/records.js';

const WINDOWS = 60;
const HOUR_S = 3600;

type Kept = Row & { readonly id: string };

export interface Audited {
  readonly board: Board;
  readonly store: ArtifactStore;
  readonly explorer: Enrolled;
  readonly claims: readonly Kept[];
  readonly verdicts: readonly Kept[];
  readonly promotion: Kept;
}

export async function openAudited(): Promise<Audited> {
  const board = await openBoard('audit');
  const store = directoryStore(join(board.directory, 'artifacts'));
  const explorer = await board.enrol('explorer', 'e1', 'alice');
  const publisher = await board.enrol('publisher', 'p1', 'paula');
  const judges: Enrolled[] = [];
  for (const n of [1, 2, 3]) judges.push(await board.enrol('checker', `c${n}`, `judge-${n}`));
  const champion = await store.put(Buffer.from('champion'));
  await founded(publisher, champion);
  const claims: Kept[] = [];
  const verdicts: Kept[] = [];
  for (const n of [1, 2, 3]) {
    const artifact = await store.put(Buffer.from(`model ${n}`));
    const run = await experiment(explorer, n, { artifact });
    // The third one says four times what it is worth.
    const row = claimOf(explorer, n, run, { artifact, claimed_gain: n === 3 ? 0.12 : 0.04 });
    await insert(explorer.client, 'board.claim', row);
    claims.push(row);
    for (const judge of judges) verdicts.push((await verdict(judge, row.id, champion)) as Kept);
  }
  const best = claims[0]!;
  const promotion = await promoted(board, best.id, publisher, String(best['artifact']), champion);
  const home = homeOf(board.directory);
  await rotate(board.admin, join(home.agents, 'c3.json'), openOwnerKey(home.owners, 'judge-3'));
  await revoke(board.admin, 'c2', 'left', openOwnerKey(home.owners, 'judge-2'));
  return { board, store, explorer, claims, verdicts, promotion };
}

/** A challenger with sixty clear windows, and its promotion as the gate's view has it. */
async function promoted(
  board: Board,
  claim_id: string,
  by: Enrolled,
  artifact: string,
  previous: string,
): Promise<Row & { id: string }> {
  const validator = await board.enrol('validator', 'v1', 'subnet');
  const held = await leased(by, `gate:${SLOT}`);
  const common = { agent_id: by.who.id, ...held };
  const alpha = (0.05 * 6) / Math.PI ** 2;
  const challenger_id = uuid7();
  await insert(by.client, 'board.challenger', {
    ...common,
    id: challenger_id,
    kind: 'challenge',
    slot: SLOT,
    reign: 0,
    k: 1,
    claim_id,
    artifact,
    trials: 3,
    screen_t: 3,
    screen_threshold: 1,
    scale: 100,
    sd: 0.02,
    alpha,
  });
  const windows = Array.from({ length: WINDOWS }, (_, n) => ({
    champion_crps: 100,
    challenger_crps: 98.5 + Math.sin(n),
  }));
  const xs = boundedSteps(windows, { scale: 100, sd: 0.02, clip_sd: 3 });
  for (let n = 0; n < WINDOWS; n++) {
    const prompt_id = uuid7();
    const start_at = new Date(Date.UTC(2025, 2, 1) + n * HOUR_S * 1000);
    await insert(validator.client, 'board.prompt', {
      id: prompt_id,
      agent_id: validator.who.id,
      validator: 'v1',
      slot: SLOT,
      competition: 'crypto_1h',
      asset: 'BTC',
      start_at,
      length_s: HOUR_S,
      increment_s: 60,
      num_simulations: 1000,
    });
    await insert(validator.client, 'board.outcome', {
      id: uuid7(),
      agent_id: validator.who.id,
      prompt_id,
      miner: 'swarm',
      validation: 'CORRECT',
      crps: 100,
      dataset_digest: DIGEST,
    });
    await insert(by.client, 'board.gate_step', {
      ...common,
      id: uuid7(),
      challenger_id,
      prompt_id,
      start_at,
      ...windows[n]!,
      x: xs[n]!,
      seed: 's',
    });
  }
  const { rows } = await by.client.query('select * from trust.gate where challenger_id = $1', [
    challenger_id,
  ]);
  expect(rows[0].stage).toBe('passed');
  const row = {
    ...common,
    id: uuid7(),
    kind: 'promote',
    slot: SLOT,
    reign: 1,
    artifact,
    family: 'garch',
    previous,
    challenger_id,
    e_value: rows[0].e_value,
    threshold: rows[0].threshold,
    windows: WINDOWS,
  };
  await insert(by.client, 'board.promotion', {
    ...row,
    signature: signRecord('promotion', row, by.who.privateKey),
  });
  return row;
}
