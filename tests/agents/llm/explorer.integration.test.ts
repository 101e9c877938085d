// `swarm agent explorer --once` as a process, with a language model behind a real socket and without one: briefing, tool calls,
// proposal and claim, every one of them a row or a line of the log.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foundSlots } from '../../miner/reign.js';
import { count, openWorld, type World } from '../../miner/world.js';
import { cheapSpec } from '../claims.js';
import { advising, inTurn } from './scripts.js';
import { type LlmServer, openLlmServer, type Script } from './server.js';

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const KEY = 'sk-end-to-end-0123456789';
let world: World;
let server: LlmServer;

beforeAll(async () => {
  world = await openWorld('thinking explorer', { past: 95, slots: ['1h/BTC'] });
  await foundSlots(await world.agent('publisher'));
  await world.agent('explorer');
  server = await openLlmServer(inTurn({ kind: 'status', status: 500 }));
});
afterAll(async () => {
  await server.close();
  await world.close();
});

interface Ended {
  readonly code: number | null;
  readonly raw: string;
  readonly log: readonly Record<string, unknown>[];
}

/** Runs an explorer to its end, or until it has said `enough`: what a fit makes of its proposal is not these tests' matter. */
async function explore(
  strategist: string,
  env: Record<string, string> = {},
  enough?: string,
): Promise<Ended> {
  const file = join(world.directory, 'agents', 'explorer.json');
  const where = ['--blackboard', world.blackboard, '--artifacts', join(world.directory, 'artifacts')];
  const args = ['agent', 'explorer', '--once', '--strategist', strategist, '--agent-file', file, ...where];
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  let raw = '';
  child.stderr.on('data', (chunk) => {
    raw += chunk;
    if (enough !== undefined && raw.includes(enough)) child.kill('SIGKILL');
  });
  const [code] = await exited;
  const log = raw
    .split('\n')
    .flatMap((line) => (line.startsWith('{') && line.endsWith('}') ? [JSON.parse(line)] : []));
  return { code: code as number | null, raw, log };
}
const thinking = (script: Script, enough?: string) => {
  server.script(script);
  const env = {
    SWARM_LLM_API_KEY: KEY,
    SWARM_LLM_BASE_URL: server.url,
    SWARM_LLM_MODELS: 'small@1/2,large@2/4',
  };
  return explore('llm', env, enough);
};
const last = async (table: string): Promise<Record<string, unknown>> =>
  (await world.admin.query(`select * from board.${table} order by at desc limit 1`)).rows[0];
const said = (log: Ended['log']): unknown[] => log.map((line) => line['msg']);

describe('an explorer that asks a model', () => {
  it('shows briefing, tool calls, proposal and claim, and links its calls and transcript to the decision', async () => {
    const spec = cheapSpec(0.9);
    const { code, log, raw } = await thinking(advising(() => spec));
    expect(code).toBe(0);
    expect(said(log)).toEqual(expect.arrayContaining(['briefing', 'tool', 'proposal', 'experiment']));
    expect(log.filter((l) => l['msg'] === 'tool').map((l) => l['tool'])).toEqual([
      'list_families',
      'query_experiments',
      'query_patterns',
      'propose_spec',
    ]);
    expect(log.find((l) => l['msg'] === 'experiment')).toMatchObject({ claimed: true });
    const decision = await last('decision');
    expect(decision).toMatchObject({ strategist: 'llm', move: 'think', spec });
    expect(
      await count(world, 'select count(*) as n from board.llm_call where thought = $1', [
        decision['thought'],
      ]),
    ).toBe(4);
    expect(await last('claim')).toMatchObject({ spec_digest: decision['spec_digest'] });
    const store = (await world.agent('checker')).store;
    const transcript = new TextDecoder().decode(await store.get(decision['transcript'] as string));
    expect(transcript).toContain('propose_spec');
    for (const secret of [KEY, world.directory, server.url]) {
      expect(transcript).not.toContain(secret);
      expect(raw).not.toContain(KEY);
    }
    expect(
      await count(world, `select spent_tokens as n from board.budget_state where scope = 'agent'`),
    ).toBeGreaterThan(0);
  });

  it('goes on with evolution at its cap, and says so', async () => {
    await world.admin.query(`update board.budget set tokens = 0 where scope = 'agent'`);
    const before = server.requests.length;
    const { log } = await thinking(
      advising(() => cheapSpec(0.8)),
      '"msg":"proposal"',
    );
    expect(server.requests).toHaveLength(before);
    expect(log.find((line) => line['msg'] === 'proposal')).toMatchObject({
      by: 'evolve',
      reason: expect.stringContaining('no room in the budget'),
    });
    await world.admin.query(`update board.budget set tokens = 1000000 where scope = 'agent'`);
  });

  it('goes on with evolution when the endpoint refuses it', async () => {
    const { log } = await thinking(inTurn({ kind: 'status', status: 401 }), '"msg":"proposal"');
    expect(log.find((line) => line['msg'] === 'proposal')).toMatchObject({
      by: 'evolve',
      reason: expect.stringContaining('refuses the key'),
    });
    expect(await last('llm_call')).toMatchObject({ status: 'SWARM_E_LLM_AUTH', tokens_in: 0 });
  });

  it('says what is missing when there is no key', async () => {
    const { code, raw } = await explore('llm');
    expect(code).not.toBe(0);
    expect(raw).toContain('SWARM_E_LLM_CONFIG');
  });
});

it('an explorer that evolves shows the same without a model: briefing, proposal, claim', async () => {
  const { code, log } = await explore('evolve');
  expect(code).toBe(0);
  expect(said(log)).toEqual(expect.arrayContaining(['briefing', 'proposal', 'experiment']));
  expect(log.find((l) => l['msg'] === 'experiment')).toMatchObject({ claimed: true });
});
