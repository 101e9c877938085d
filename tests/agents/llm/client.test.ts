// The client over a real socket against a scripted endpoint: what it sends, what it bears, what it pays for.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Breaker } from '../../../agents/llm/breaker.js';
import type { Budget, Call, Worst } from '../../../agents/llm/budget.js';
import { type LlmClient, openClient, type Question } from '../../../agents/llm/client.js';
import { retryAfter } from '../../../agents/llm/failure.js';
import { takeLlmSettings } from '../../../agents/llm/settings.js';
import { SwarmError } from '../../../blackboard/errors.js';
import { inTurn } from './scripts.js';
import { type Behaviour, type LlmServer, openLlmServer, type Script } from './server.js';

const KEY = 'sk-very-secret-0123456789';
const GOOD: Behaviour = { kind: 'text', content: 'yes', usage: { prompt_tokens: 10, completion_tokens: 2 } };

let server: LlmServer;
let stop: AbortController;
let ledger: (Call & { worst: Worst })[];
let room: boolean;

beforeEach(async () => {
  server = await openLlmServer(inTurn(GOOD));
  stop = new AbortController();
  ledger = [];
  room = true;
});
afterEach(() => server.close());

const settings = (env: Record<string, string> = {}) =>
  takeLlmSettings({
    SWARM_LLM_API_KEY: KEY,
    SWARM_LLM_BASE_URL: server.url,
    SWARM_LLM_MODELS: 'small@1/2,large@10/20',
    ...env,
  })!;

/** A purse of its own, which remembers every reservation and what became of it. */
function purse(): Budget {
  const open = new Map<string, Worst>();
  return {
    async reserve(worst) {
      if (!room) throw new SwarmError('SWARM_E_LLM_BUDGET', 'no room', 'none');
      open.set(String(open.size), worst);
      return String(open.size - 1);
    },
    async settle(id, call) {
      ledger.push({ ...call, worst: open.get(id)! });
    },
  };
}

const client = (script: Script, env: Record<string, string> = {}, breaker?: Breaker): LlmClient => {
  server.script(script);
  return openClient({
    settings: settings(env),
    budget: purse(),
    stopping: stop.signal,
    pauseMs: 1,
    ...(breaker === undefined ? {} : { breaker }),
  });
};

const question: Question = {
  task: 'plan',
  arm: { model: { id: 'small', usd_in: 1, usd_out: 2 }, strategy: 'plain', temperature: 0.3 },
  messages: [{ role: 'user', content: 'Is it?' }],
  thought: null,
};
const failing = (code: string) => expect.objectContaining({ code });

describe('a question', () => {
  it('goes out with model, temperature and limit, unstreamed, under the key', async () => {
    const answer = await client(inTurn(GOOD)).ask(question);
    expect(answer).toMatchObject({ text: 'yes', calls: [], tokens_in: 10, tokens_out: 2, cost_usd: 14e-6 });
    expect(server.requests[0]).toMatchObject({
      key: `Bearer ${KEY}`,
      body: { model: 'small', temperature: 0.3, max_tokens: 4096, stream: false },
    });
  });

  it('is reserved for at no less than it can take, and settled by what it took', async () => {
    await client(inTurn(GOOD)).ask(question);
    expect(ledger).toMatchObject([
      { status: 'ok', tokens_in: 10, tokens_out: 2, cost_usd: 14e-6, attempts: 1 },
    ]);
    expect(ledger[0]!.worst.tokens).toBeGreaterThan(4096 + JSON.stringify(question.messages).length);
  });

  it('is not sent when the budget has no room', async () => {
    room = false;
    await expect(client(inTurn(GOOD)).ask(question)).rejects.toEqual(failing('SWARM_E_LLM_BUDGET'));
    expect(server.requests).toHaveLength(0);
  });

  it('brings tool calls with their arguments as they came', async () => {
    const calls = [{ name: 'probe', args: '{"a": 1,}' }];
    const answer = await client(inTurn({ kind: 'tools', calls })).ask(question);
    expect(answer.calls).toMatchObject([{ name: 'probe', arguments: '{"a": 1,}' }]);
  });
});

describe('trouble that passes', () => {
  const passing: [string, Behaviour, string][] = [
    ['429', { kind: 'status', status: 429, headers: { 'retry-after': '0' } }, 'SWARM_E_LLM_LIMITED'],
    ['500', { kind: 'status', status: 500 }, 'SWARM_E_LLM_UNREACHABLE'],
    ['503', { kind: 'status', status: 503 }, 'SWARM_E_LLM_UNREACHABLE'],
    ['a cut line', { kind: 'cut' }, 'SWARM_E_LLM_UNREACHABLE'],
    ['a body that is no JSON', { kind: 'raw', body: '{"choices": [' }, 'SWARM_E_LLM_RESPONSE'],
    ['a body of another shape', { kind: 'raw', body: '{"hello": 1}' }, 'SWARM_E_LLM_RESPONSE'],
    ['a body that is null', { kind: 'raw', body: 'null' }, 'SWARM_E_LLM_RESPONSE'],
  ];
  it.each(passing)('%s is tried again', async (_name, trouble, code) => {
    expect(await client(inTurn(trouble, trouble, GOOD)).ask(question)).toMatchObject({ text: 'yes' });
    expect(ledger.map((c) => [c.status, c.attempts])).toEqual([
      [code, 1],
      [code, 2],
      ['ok', 3],
    ]);
  });

  it.each(passing)('%s that stays is told by its code after four tries', async (_name, trouble, code) => {
    await expect(client(inTurn(trouble)).ask(question)).rejects.toEqual(failing(code));
    expect(server.requests).toHaveLength(4);
  });

  it('a cut line is paid for in full, a refused request not at all', async () => {
    await client(inTurn({ kind: 'cut' }, { kind: 'status', status: 429 }, GOOD)).ask(question);
    const [cut, limited] = ledger as [Call & { worst: Worst }, Call & { worst: Worst }];
    expect(cut.tokens_in + cut.tokens_out).toBe(cut.worst.tokens);
    expect(limited.tokens_in + limited.tokens_out).toBe(0);
  });

  it('waits as long as Retry-After asks, and gives up at once when that is too long', async () => {
    const limited = (seconds: string): Behaviour => ({
      kind: 'status',
      status: 429,
      headers: { 'retry-after': seconds },
    });
    await client(inTurn(limited('0.3'), GOOD)).ask(question);
    expect(server.requests[1]!.at - server.requests[0]!.at).toBeGreaterThan(295);
    await expect(client(inTurn(limited('3600'))).ask(question)).rejects.toEqual(
      failing('SWARM_E_LLM_LIMITED'),
    );
    expect(server.requests).toHaveLength(3);
  });

  it('reads Retry-After in seconds and as a date', () => {
    const of = (value: string) => retryAfter(new Headers({ 'retry-after': value }), Date.UTC(2026, 0, 1));
    expect(of('7')).toBe(7000);
    expect(of('Thu, 01 Jan 2026 00:00:05 GMT')).toBe(5000);
    expect(of('Wed, 31 Dec 2025 00:00:00 GMT')).toBe(0);
    expect(of('soon')).toBeNull();
    expect(retryAfter(undefined, 0)).toBeNull();
  });

  it('an answer that is too slow is counted in full and tried again', async () => {
    const asked = client(inTurn({ kind: 'slow', answer: GOOD }, GOOD), { SWARM_LLM_TIMEOUT_S: '0.2' });
    expect(await asked.ask(question)).toMatchObject({ text: 'yes' });
    expect(ledger[0]!.tokens_out).toBe(4096);
  });
});

describe('trouble that stays', () => {
  it.each([
    [401, 'SWARM_E_LLM_AUTH'],
    [402, 'SWARM_E_LLM_AUTH'],
    [403, 'SWARM_E_LLM_AUTH'],
    [400, 'SWARM_E_LLM_RESPONSE'],
    [404, 'SWARM_E_LLM_RESPONSE'],
  ])('a %i is told at once', async (status, code) => {
    await expect(client(inTurn({ kind: 'status', status })).ask(question)).rejects.toEqual(failing(code));
    expect(server.requests).toHaveLength(1);
  });

  it('a refusal is settled by what it took and told', async () => {
    const asked = client(inTurn({ kind: 'refusal', text: 'I will not.' }));
    await expect(asked.ask(question)).rejects.toEqual(failing('SWARM_E_LLM_REFUSED'));
    expect(ledger).toMatchObject([{ status: 'SWARM_E_LLM_REFUSED' }]);
    expect(ledger[0]!.tokens_out).toBeGreaterThan(0);
  });

  it('a server that claims more tokens than were allowed is not believed', async () => {
    const usage = { prompt_tokens: 1e12, completion_tokens: 5 };
    const asked = client(inTurn({ kind: 'text', content: 'yes', usage }));
    await expect(asked.ask(question)).rejects.toEqual(failing('SWARM_E_LLM_RESPONSE'));
    for (const call of ledger) expect(call.tokens_in + call.tokens_out).toBe(call.worst.tokens);
  });

  it('an endpoint that keeps failing is left alone, then tried by one call', async () => {
    let now = 0;
    const breaker = new Breaker(4, 1000, 4000);
    server.script(inTurn({ kind: 'status', status: 500 }));
    const asked = openClient({
      settings: settings(),
      budget: purse(),
      stopping: stop.signal,
      pauseMs: 1,
      breaker,
      now: () => now,
    });
    await expect(asked.ask(question)).rejects.toEqual(failing('SWARM_E_LLM_UNREACHABLE'));
    await expect(asked.ask(question)).rejects.toThrow(/left alone for 1 s/);
    expect(server.requests).toHaveLength(4);
    now = 1000;
    await expect(asked.ask(question)).rejects.toThrow(/left alone for 2 s/);
    expect(server.requests).toHaveLength(5);
    now = 3000;
    server.script(inTurn(GOOD));
    expect(await asked.ask(question)).toMatchObject({ text: 'yes' });
    expect(breaker.wait(now)).toBe(0);
  });
});

describe('a stop', () => {
  it('cancels a call under way, which is settled in full, and starts no other', async () => {
    const arrived = server.arrival();
    const asked = client(inTurn({ kind: 'slow', answer: GOOD })).ask(question);
    asked.catch(() => undefined);
    await arrived;
    stop.abort(new Error('stopping'));
    await expect(asked).rejects.toThrow('stopping');
    expect(ledger).toHaveLength(1);
    expect(ledger[0]!.tokens_out).toBe(4096);
    await expect(client(inTurn(GOOD)).ask(question)).rejects.toThrow('stopping');
    expect(server.requests).toHaveLength(1);
  });
});

describe('the key', () => {
  it('leaves the environment when it is read, and shows in nothing that is printed', async () => {
    const env: Record<string, string | undefined> = { SWARM_LLM_API_KEY: KEY };
    const taken = takeLlmSettings(env)!;
    expect(env).not.toHaveProperty('SWARM_LLM_API_KEY');
    expect(`${JSON.stringify(taken)} ${taken.key} ${String(taken)}`).not.toContain(KEY);
    const failure = await client(inTurn({ kind: 'status', status: 401 }))
      .ask(question)
      .catch((error: Error) => error);
    const { inspect } = await import('node:util');
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain(KEY);
    expect(inspect(taken, { depth: 9, showHidden: true })).not.toContain(KEY);
  });
});

describe('settings', () => {
  it('are null without a key', () => expect(takeLlmSettings({})).toBeNull());

  it('default to a ladder at Chutes, each model with a price', () => {
    const taken = takeLlmSettings({ SWARM_LLM_API_KEY: KEY })!;
    expect(taken.base_url).toBe('https://llm.chutes.ai/v1');
    expect(taken.ladder.plan.length).toBeGreaterThan(1);
  });

  it('take a ladder of its own for a task', () => {
    const taken = settings({ SWARM_LLM_MODELS_AUTHOR: 'coder@3/4' });
    expect(taken.ladder.author).toEqual([{ id: 'coder', usd_in: 3, usd_out: 4 }]);
    expect(taken.ladder.plan.map((m) => m.id)).toEqual(['small', 'large']);
  });

  it.each([
    [{ SWARM_LLM_MODELS: 'free' }, /MODEL@IN\/OUT/],
    [{ SWARM_LLM_BASE_URL: 'http://elsewhere.example/v1' }, /https/],
    [{ SWARM_LLM_BASE_URL: 'https://user:pass@elsewhere.example/v1' }, /https/],
    [{ SWARM_LLM_TIMEOUT_S: '-1' }, /positive/],
    [{ SWARM_LLM_API_KEY: 'two words' }, /ASCII/],
  ])('refuse %j', (env, message) => {
    expect(() => settings(env as Record<string, string>)).toThrow(message);
  });
});
