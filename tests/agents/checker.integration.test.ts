// A checker re-runs what others claim, from the bytes alone, and refuses what is not what it says it is.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checker } from '../../agents/checker/main.js';
import type { AgentContext } from '../../agents/runtime/context.js';
import type { Agent } from '../../agents/runtime/life.js';
import { newKeyPair } from '../../blackboard/keys.js';
import { assertSigned } from '../../blackboard/signed.js';
import { specDigest } from '../../forecast/families/index.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { cheapSpec, claim } from './claims.js';

const SLOT = '1h/BTC';
let world: World;
let author: AgentContext;
let judge: AgentContext;
let agent: Agent;

beforeAll(async () => {
  world = await openWorld('checker', { past: 95, slots: [SLOT] });
  await foundSlots(await world.agent('publisher'));
  judge = await world.agent('checker');
  agent = await checker().open(judge);
});
afterAll(async () => {
  await agent.close?.();
  await world.close();
});

// Every claim by a newcomer: of an owner that is known to lie not all are checked.
let authors = 0;
beforeEach(async () => {
  author = await world.agent('explorer', `explorer-${++authors}`);
});

/** Lets the checker work until there is nothing left for it. */
async function drain(): Promise<void> {
  await judge.beat('ready');
  while (await agent.step()) await judge.beat('ready');
}

async function verdict(claim_id: string): Promise<Record<string, unknown>> {
  return (await world.admin.query('select * from board.verdict where claim_id = $1', [claim_id])).rows[0];
}

const fileOf = (artifact: string): string =>
  join(world.directory, 'artifacts', artifact.slice(0, 2), artifact);

describe('a checker', () => {
  it('scores an honest claim on hidden windows beside the champion, and signs what it found', async () => {
    const { id } = await claim(author, SLOT, NOW_S, cheapSpec(0.9));
    await drain();
    const found = await verdict(id);
    expect(found).toMatchObject({ finding: 'scored', reign: 0, reason: '' });
    const starts = (found['window_starts'] as string[]).map(Number);
    expect(starts).toHaveLength(found['n_windows'] as number);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(NOW_S - 30 * 86_400);
    expect(Math.max(...starts) + 3600).toBeLessThanOrEqual(NOW_S);
    const differences = found['differences'] as number[];
    const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
    expect(mean).toBeCloseTo((found['champion_crps'] as number) - (found['mean_crps'] as number), 8);
    const mine = await judge.db
      .selectFrom('board.verdict')
      .selectAll()
      .where('claim_id', '=', id)
      .executeTakeFirstOrThrow();
    const key = await world.admin.query('select public_key from board.agent where id = $1', [judge.who.id]);
    assertSigned('verdict', mine, key.rows[0].public_key);
  });

  it.each([
    [
      'bytes that were flipped after the claim',
      'SWARM_E_ARTIFACT_DIGEST',
      async () => {
        const made = await claim(author, SLOT, NOW_S, cheapSpec(0.91));
        const bytes = readFileSync(fileOf(made.artifact));
        bytes[bytes.length - 9]! ^= 1;
        writeFileSync(fileOf(made.artifact), bytes);
        return made.id;
      },
    ],
    [
      'a manifest that is not what the claim says',
      'SWARM_E_MODEL_REFUSED',
      async () =>
        (await claim(author, SLOT, NOW_S, cheapSpec(0.92), { spec_digest: specDigest(cheapSpec(1.1)) })).id,
    ],
    [
      'a signature by another key',
      'SWARM_E_SIGNATURE',
      async () =>
        (await claim(author, SLOT, NOW_S, cheapSpec(0.93), { privateKey: newKeyPair().privateKey })).id,
    ],
    [
      'a gain that was raised after signing',
      'SWARM_E_SIGNATURE',
      async () => (await claim(author, SLOT, NOW_S, cheapSpec(0.94), { inflate: 0.1 })).id,
    ],
    [
      'a gain that nobody measured',
      'SWARM_E_CLAIM_UNTRUE',
      async () => (await claim(author, SLOT, NOW_S, cheapSpec(0.955), { overclaim: 0.004 })).id,
    ],
    [
      'a gain that nobody measured, though it is too low',
      'SWARM_E_CLAIM_UNTRUE',
      async () => (await claim(author, SLOT, NOW_S, cheapSpec(0.956), { overclaim: -0.004 })).id,
    ],
    [
      'a fit on its own windows',
      'SWARM_E_SIGNATURE',
      async () => (await claim(author, SLOT, NOW_S, cheapSpec(0.95), { cutoff_days: 5 })).id,
    ],
  ])('refuses %s', async (_, code, make) => {
    const id = await make();
    await drain();
    const refused = await verdict(id);
    expect(refused).toMatchObject({ finding: 'refused', verified_gain: null });
    expect(refused['reason']).toContain(code);
    expect(
      await count(world, 'select count(*) as n from board.alert where code = $1 and message like $2', [
        code,
        `claim ${id} refused%`,
      ]),
    ).toBe(1);
  });

  it('writes no verdict on an artifact that is not there yet, and says why it waits', async () => {
    const { id, artifact } = await claim(author, SLOT, NOW_S, cheapSpec(0.96));
    renameSync(fileOf(artifact), `${fileOf(artifact)}.away`);
    await drain();
    expect(await verdict(id)).toBeUndefined();
    const { rows } = await world.admin.query('select stage, code from board.attempt where claim_id = $1', [
      id,
    ]);
    expect(rows).toEqual([{ stage: 'check', code: 'SWARM_E_ARTIFACT_MISSING' }]);
    renameSync(`${fileOf(artifact)}.away`, fileOf(artifact));
    // A checker that is started anew has forgotten that it waits.
    const again = await checker().open(judge);
    await again.step();
    await again.close?.();
    expect(await verdict(id)).toMatchObject({ finding: 'scored' });
  });

  it('never holds a broken champion against a claim', async () => {
    const { id } = await claim(author, SLOT, NOW_S, cheapSpec(0.97));
    const { rows } = await world.admin.query('select artifact from board.promotion where slot = $1', [SLOT]);
    const bytes = readFileSync(fileOf(rows[0].artifact));
    writeFileSync(fileOf(rows[0].artifact), 'broken');
    await judge.beat('ready');
    await expect(agent.step()).rejects.toThrow('the champion cannot be read');
    expect(await verdict(id)).toBeUndefined();
    writeFileSync(fileOf(rows[0].artifact), bytes);
    await drain();
    expect(await verdict(id)).toMatchObject({ finding: 'scored' });
  });

  it('leaves the claims of its own owner to others', async () => {
    const kin = await world.agent('optimizer', 'optimizer', judge.who.owner);
    const { id } = await claim(kin, SLOT, NOW_S, cheapSpec(0.98));
    await drain();
    expect(await verdict(id)).toBeUndefined();
  });
});
