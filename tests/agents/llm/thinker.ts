// A thinking strategist for tests: the real client over a real socket to a scripted server, with a desk of its own.
import pino from 'pino';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { openClient } from '../../../agents/llm/client.js';
import { redactor } from '../../../agents/llm/redact.js';
import { takeLlmSettings } from '../../../agents/llm/settings.js';
import { evolveStrategist } from '../../../agents/strategist/evolve.js';
import { randomSpec } from '../../../agents/strategist/space.js';
import type { Desk, Noted, Proposal, Task } from '../../../agents/strategist/strategist.js';
import { type Choice, type Thinker, thinkStrategist } from '../../../agents/strategist/think/think.js';
import { families, type Spec, specDigest } from '../../../forecast/families/index.js';
import { rng } from '../../../forecast/rng.js';
import type { Briefing } from '../../../trust/briefing.js';
import { looping } from './scripts.js';
import { type LlmServer, openLlmServer, type Script, type WireRequest } from './server.js';

export const KEY = 'sk-secret-0123456789abcdef';
export const task: Task = { asset: 'BTC', horizon_s: 86_400, step_s: 300, max_history_bars: 2880, peers: 0 };
export const good: Spec = { ...families.garch_t.start('BTC', 86_400), history_bars: 500 } as Spec;
/** What a planner may call. */
export const TOOLS = [
  'check_program',
  'compare_specs',
  'known_errors',
  'list_families',
  'predict_score',
  'probe',
  'propose_spec',
  'query_experiments',
  'query_patterns',
  'state_pattern',
];

export const tried = (n: number) =>
  Array.from({ length: n }, (_, i) => {
    const spec = randomSpec('garch_t', task, rng(`tried ${i}`));
    return {
      id: `e${i}`,
      owner: i % 2 ? 'me' : 'them',
      spec: { ...spec },
      spec_digest: specDigest(spec),
      gain: i / 500,
      se: 0.01,
    };
  });

/** What a decision did at its desk. */
interface Did {
  readonly notes: Record<string, unknown>[];
  readonly probed: Spec[];
}

export function deskOf(
  noted: readonly Partial<Noted>[] = [],
  known: readonly Spec[] = [],
  over: Partial<Desk> = {},
): Desk & Did {
  const notes: Record<string, unknown>[] = [];
  const probed: Spec[] = [];
  return {
    notes,
    probed,
    owner: 'me',
    tried: async (limit) => tried(12).slice(0, limit),
    noted: async () =>
      noted.map((n, i) => ({
        id: `0190-pattern-${i}`,
        owner: 'them',
        family: 'garch_t',
        knob: null,
        low: null,
        high: null,
        direction: 1,
        effect: 0.1,
        note: '',
        verified_effect: null,
        ...n,
      })),
    failures: async () => [],
    isNew: async (spec) => !known.some((k) => specDigest(k) === specDigest(spec)),
    probe: async (spec) => {
      probed.push(spec);
      return { gain: 0.01, se: 0.01, n_windows: 12 };
    },
    note: async (pattern) => void notes.push({ ...pattern }),
    ...over,
  };
}

export const briefing = (over: Partial<Briefing> = {}): Briefing => ({
  slot: '24h/BTC',
  champion: null,
  specs: [],
  patterns: [],
  items: [],
  ...over,
});
export const arm = (model: string, temperature = 0.2) => ({
  model: { id: model, usd_in: 1, usd_out: 1 },
  strategy: 'improve',
  temperature,
});

const PLANS_ALONE = { author: 0, diagnose: 0, summarise: 0 };

export interface ThinkerUnderTest {
  decide(
    script: Script,
    desk?: Desk,
    choice?: Choice,
    told?: Briefing,
    shares?: Partial<Thinker['shares']>,
  ): Promise<Proposal>;
  /** How many requests have come. */
  asked(): number;
  since(from: number): WireRequest[];
  /** Transcripts of the test. */
  kept(): readonly string[];
}

/** One for the tests of a file. */
export function useThinker(): ThinkerUnderTest {
  let server: LlmServer;
  let kept: string[] = [];
  beforeAll(async () => {
    server = await openLlmServer(looping);
  });
  afterAll(() => server.close());
  beforeEach(() => {
    kept = [];
  });
  return {
    asked: () => server.requests.length,
    since: (from) => server.requests.slice(from).map((r) => r.body),
    kept: () => kept,
    async decide(script, desk = deskOf(), choice = { arms: [arm('small')] }, told = briefing(), shares = {}) {
      server.script(script);
      const stopping = new AbortController().signal;
      const settings = takeLlmSettings({
        SWARM_LLM_API_KEY: KEY,
        SWARM_LLM_BASE_URL: server.url,
        SWARM_LLM_MODELS: 'small@1/1',
      })!;
      let n = 0;
      const strategist = thinkStrategist({
        client: openClient({
          settings,
          stopping,
          pauseMs: 1,
          tries: 2,
          budget: { reserve: async () => String(n++), settle: async () => undefined },
        }),
        choose: async () => choice,
        aside: (kind) => ({ ...arm('aside'), strategy: kind }),
        shares: { ...PLANS_ALONE, ...shares },
        otherwise: evolveStrategist,
        keep: async (bytes) => {
          kept.push(new TextDecoder().decode(bytes));
          return 'f'.repeat(64);
        },
        redact: redactor([KEY]),
        log: pino({ level: 'silent' }),
        stopping,
      });
      return strategist.propose(told, task, rng('decide'), desk);
    },
  };
}
