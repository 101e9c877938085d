// Agents with a bucket in place of the directory: the same work comes out of it, and an outage of the store delays a claim
// and its check, and loses neither.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checker } from '../../agents/checker/main.js';
import type { AgentContext } from '../../agents/runtime/context.js';
import type { Agent } from '../../agents/runtime/life.js';
import { openSearch } from '../../agents/runtime/search.js';
import { openArtifactStore } from '../../blackboard/artifacts/open.js';
import type { ArtifactStore } from '../../blackboard/artifacts.js';
import type { AgentRole } from '../../blackboard/identity/roles.js';
import { type S3Server, SECRET, startS3 } from '../blackboard/artifacts/server.js';
import { type Door, openDoor } from '../miner/proxy.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { cheapSpec, claim, proposing } from './claims.js';

const SLOT = '1h/BTC';
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let world: World;
let s3: S3Server;
/** The agents' way to the store. */
let door: Door;
let env: Record<string, string | undefined>;
let author: AgentContext;
let judge: AgentContext;
const agents: Agent[] = [];
const patient = { timeout: 40_000, interval: 20 };

beforeAll(async () => {
  s3 = await startS3();
  door = await openDoor('127.0.0.1', Number(new URL(s3.env['SWARM_S3_ENDPOINT']!).port));
  env = { ...s3.env, SWARM_S3_ENDPOINT: `http://127.0.0.1:${door.port}`, SWARM_S3_DEADLINE_S: '1' };
  world = await openWorld('store_outage', { past: 95, slots: [SLOT] });
  const elsewhere = (role: AgentRole): Promise<AgentContext> =>
    world.agent(role, role, `${role}-owner`, { artifacts: `machine of ${role}`, env });
  await foundSlots(await elsewhere('publisher'));
  author = await elsewhere('explorer');
  judge = await elsewhere('checker');
});
afterAll(async () => {
  for (const agent of agents) await agent.close?.();
  await world.close();
  await door.shut();
  await s3.close();
});

/** A store as an agent of its own machine opens it. */
const bucket = (machine: string): Promise<ArtifactStore> =>
  openArtifactStore({ directory: join(world.directory, machine), env, warn: () => undefined });
const rows = (table: string): Promise<number> => count(world, `select count(*) as n from board.${table}`);
const failures = (stage: string): Promise<number> =>
  count(
    world,
    `select count(*) as n from board.attempt where stage = $1 and code = 'SWARM_E_STORE_UNREACHABLE'`,
    [stage],
  );

describe('agents on a bucket', () => {
  it('claim and check across machines what neither has on disk', async () => {
    const search = await openSearch(author, { strategist: proposing(cheapSpec(0.9)), overclaim: 0 });
    agents.push(search);
    await search.step();
    expect(await rows('claim')).toBe(1);
    const check = await checker().open(judge);
    agents.push(check);
    await judge.beat('ready');
    expect(await check.step()).toBe(true);
    const { rows: found } = await world.admin.query('select finding from board.verdict');
    expect(found).toEqual([{ finding: 'scored' }]);
  });

  it('keep a fitted artifact through an outage of the store and claim it afterwards', async () => {
    const before = await rows('claim');
    await door.shut();
    const search = await openSearch(author, { strategist: proposing(cheapSpec(0.91)), overclaim: 0 });
    agents.push(search);
    const step = search.step();
    await expect.poll(() => failures('artifact'), patient).toBeGreaterThanOrEqual(2);
    expect(await rows('claim')).toBe(before);
    const holds = `select count(*) as n from board.lease where work_id like 'experiment:%'`;
    expect(await count(world, holds)).toBe(1);
    await door.open();
    expect(await step).toBe(true);
    expect(await rows('claim')).toBe(before + 1);
    expect(await count(world, holds)).toBe(0);
    const { rows: last } = await world.admin.query(
      'select artifact, decision_id from board.experiment order by at desc limit 1',
    );
    expect(await (await bucket('elsewhere')).size(last[0].artifact)).toBeGreaterThan(0);
    // One decision, one fit: what failed and what came of it belong to the same one.
    expect(
      await count(
        world,
        `select count(distinct decision_id) as n from board.attempt where stage = 'artifact'`,
      ),
    ).toBe(1);
  });

  it('write no verdict during an outage, and the right one after it', async () => {
    const { id } = await claim(author, SLOT, NOW_S, cheapSpec(0.92));
    await door.shut();
    const check = await checker().open({ ...judge, store: await bucket('another machine') });
    agents.push(check);
    await judge.beat('ready');
    while ((await failures('check')) === 0) await check.step();
    expect(await count(world, 'select count(*) as n from board.verdict where claim_id = $1', [id])).toBe(0);
    await door.open();
    // A checker that is started anew has forgotten that it waits.
    const again = await checker().open(judge);
    agents.push(again);
    await expect
      .poll(async () => {
        await judge.beat('ready');
        await again.step();
        return (await world.admin.query('select finding from board.verdict where claim_id = $1', [id])).rows;
      }, patient)
      .toEqual([{ finding: 'scored' }]);
  });
});

describe('an agent process', () => {
  it('takes the bucket from its environment, asked to stop in an outage ends, and tells no secret', async () => {
    await door.shut();
    const path = join(world.directory, 'agents', 'explorer.json');
    const child: ChildProcess = fork(
      main,
      [
        'agent',
        'explorer',
        '--agent-file',
        path,
        '--blackboard',
        world.blackboard,
        '--artifacts',
        world.directory,
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        env: { PATH: process.env['PATH'], ...env, SWARM_S3_DEADLINE_S: '600' },
      },
    );
    let said = '';
    child.stderr!.on('data', (chunk) => {
      said += chunk;
    });
    const ended = once(child, 'exit');
    const known = await failures('artifact');
    await expect
      .poll(
        () => count(world, `select count(*) as n from board.lease where work_id like 'experiment:%'`),
        patient,
      )
      .toBe(1);
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(await failures('artifact')).toBe(known + 1);
    expect(said).toContain('SWARM_E_STORE_UNREACHABLE');
    expect(said).not.toContain(SECRET);
    await door.open();
  });
});
