// `swarm up` with a language model behind a real socket: its explorer asks, its control does not, and the key is where nobody reads it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomSpec } from '../../agents/strategist/space.js';
import { rng } from '../../forecast/rng.js';
import { advising } from '../agents/llm/scripts.js';
import { type LlmServer, openLlmServer } from '../agents/llm/server.js';
import { freePorts } from '../ports.js';
import { SwarmUnderTest } from './process.js';

const KEY = 'sk-system-0123456789abcdef';
const MINUTE = 60_000;
let server: LlmServer;
let swarm: SwarmUnderTest;

beforeAll(async () => {
  const draws = rng('system models');
  const task = { asset: 'BTC', horizon_s: 3600, step_s: 60, max_history_bars: 1440, peers: 0 };
  server = await openLlmServer(advising(() => randomSpec('ewma_t', task, draws)));
  const [base] = await freePorts(3);
  swarm = new SwarmUnderTest(base!, {
    SWARM_LLM_API_KEY: KEY,
    SWARM_LLM_BASE_URL: server.url,
    SWARM_LLM_MODELS: 'small@1/2',
  });
  swarm.up('--market', 'simulated', '--assets', 'BTC', '--optimizers', '0', '--no-events');
});
afterAll(async () => {
  await swarm.clean();
  await server.close();
});

/** What a process can be asked for its environment and arguments by whoever may look. */
const seenOf = (pid: number): string =>
  ['environ', 'cmdline'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')).join('\0');

it('starts an explorer that asks the model, with the key in a file and in nothing else', async () => {
  // The fourth call is the proposal: those before it are settled.
  await swarm.until('a decision of a model', () => server.requests.length >= 4, 6 * MINUTE);
  expect(new Set(server.requests.map((r) => r.key))).toEqual(new Set([`Bearer ${KEY}`]));
  const calls = await swarm.query<{ name: string }>(
    'select distinct a.name from board.llm_call c join board.agent a on a.id = c.agent_id',
  );
  expect(calls).toEqual([{ name: 'explorer-1' }]);

  const children = swarm.processes().filter(({ pid }) => pid !== swarm.pid);
  expect(children.length).toBeGreaterThan(5);
  for (const { pid, command } of children) {
    const seen = seenOf(pid);
    expect(seen, command).not.toContain(KEY);
    expect(seen.includes('SWARM_LLM_'), command).toBe(/explorer-1/.test(command));
  }
  const logs = join(swarm.home, 'logs');
  for (const file of readdirSync(logs))
    expect(readFileSync(join(logs, file), 'utf8'), file).not.toContain(KEY);
  expect(swarm.stderr).toContain('explorers ask the language models');
  expect(swarm.stderr).not.toContain(KEY);

  expect(await swarm.end('SIGTERM')).toBe(0);
  expect(swarm.stdout + swarm.stderr).not.toContain(KEY);
  expect(readdirSync(swarm.home, { recursive: true }).map(String)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/llm-api-key/)]),
  );
});
