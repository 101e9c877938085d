// What thinking costs beside its calls, that its budget holds, and that a model of no use is soon left alone.
import pino from 'pino';
import { openBudget } from '../../../agents/llm/budget.js';
import { openClient } from '../../../agents/llm/client.js';
import { redactor } from '../../../agents/llm/redact.js';
import { type History, type Judged, route } from '../../../agents/llm/router.js';
import { takeLlmSettings } from '../../../agents/llm/settings.js';
import { brood, population } from '../../../agents/strategist/breed.js';
import { evolveStrategist } from '../../../agents/strategist/evolve.js';
import { randomSpec, searchedFamilies } from '../../../agents/strategist/space.js';
import type { Desk, Task, Tried } from '../../../agents/strategist/strategist.js';
import { thinkStrategist } from '../../../agents/strategist/think/think.js';
import { openDb } from '../../../blackboard/db.js';
import { type Spec, specDigest } from '../../../forecast/families/index.js';
import { type Rng, rng } from '../../../forecast/rng.js';
import { advising } from '../../agents/llm/scripts.js';
import { openLlmServer } from '../../agents/llm/server.js';
import { openBenchGround } from '../blackboard/ground.js';
import { type Figure, figure, quantile } from '../figure.js';

type Progress = (line: string) => void;

/** Tokens by which 64 agents at once exceed one cap; what they reserve and settle differs. */
export async function budgetOverrun(progress: Progress): Promise<Figure[]> {
  const CAP = 50_021;
  const ground = await openBenchGround();
  try {
    await ground.admin.query(`delete from board.budget`);
    await ground.admin.query(`insert into board.budget values ('fleet', '*', 'day', ${CAP}, 1000)`);
    const agents = await Promise.all(
      Array.from({ length: 64 }, (_, i) => ground.enrol('explorer', `thinker-${i}`, `owner-${i % 8}`)),
    );
    let calls = 0;
    await Promise.all(
      agents.map(async (agent, i) => {
        const db = openDb({ url: agent.url, name: 'bench', connections: 1 });
        const budget = openBudget(db, agent.who.id);
        for (let n = 0; ; n++) {
          const tokens = 40 + ((i * 37 + n * 11) % 160);
          const id = await budget.reserve({ tokens, usd: 0, term_s: 60 }).catch(() => null);
          if (id === null) break;
          calls += 1;
          const call = {
            thought: null,
            task: 'plan',
            model: 'm',
            strategy: 's',
            temperature: 0,
            attempts: 1,
            latency_ms: 1,
            status: 'ok',
          };
          await budget.settle(id, { ...call, tokens_in: tokens - (n % 7), tokens_out: 0, cost_usd: 0 });
        }
        await db.destroy();
      }),
    );
    const { rows } = await ground.admin.query(
      `select spent_tokens + held_tokens as used from board.budget_state where scope = 'fleet' and period = 'day'`,
    );
    const used = Number(rows[0].used);
    progress(`64 agents, ${calls} calls, ${used} of ${CAP} tokens`);
    return [
      figure(
        'budget_overrun',
        '1',
        Math.max(0, used - CAP),
        1,
        `tokens over a cap of ${CAP}: ${calls} calls by 64 agents`,
      ),
    ];
  } finally {
    await ground.close();
  }
}

const task: Task = { asset: 'BTC', horizon_s: 86_400, step_s: 300, max_history_bars: 2880, peers: 0 };

const briefing = { slot: '24h/BTC', champion: null, specs: [], patterns: [], items: [] };

/** 300 experiments, newest first: strangers, and what was bred from them, large pools among it. */
function archiveOf(draws: Rng): (Tried & { readonly id: string; readonly owner: string })[] {
  const names = searchedFamilies();
  const row = (spec: Spec, i: number) => ({
    id: String(i),
    owner: 'o',
    spec: { ...spec },
    spec_digest: specDigest(spec),
    gain: draws.normal() / 100,
    se: 0.01,
  });
  const strangers = Array.from({ length: 150 }, (_, i) =>
    row(randomSpec(names[i % names.length]!, task, draws), i),
  );
  const bred = brood(population(briefing, strangers), task, 150, draws);
  return [...bred.map(({ spec }, i) => row(spec, 150 + i)), ...strangers];
}

/** Time of a decision outside of its calls, 300 experiments in the archive. */
export async function decisionOverhead(): Promise<Figure[]> {
  const draws = rng('overhead');
  const archive = archiveOf(draws);
  const desk: Desk = {
    owner: 'me',
    tried: async (limit) => archive.slice(0, limit),
    noted: async () => [],
    failures: async () => [],
    isNew: async () => true,
    probe: async () => ({ gain: 0, se: 1, n_windows: 12 }),
    note: async () => undefined,
  };
  const server = await openLlmServer(advising(() => randomSpec('garch_t', task, draws)));
  const stopping = new AbortController().signal;
  let inCalls = 0;
  const asked = openClient({
    settings: takeLlmSettings({
      SWARM_LLM_API_KEY: 'bench',
      SWARM_LLM_BASE_URL: server.url,
      SWARM_LLM_MODELS: 'm@1/1',
    })!,
    budget: { reserve: async () => '', settle: async () => undefined },
    stopping,
  });
  const thinking = thinkStrategist({
    client: {
      async ask(question) {
        const from = performance.now();
        try {
          return await asked.ask(question);
        } finally {
          inCalls += performance.now() - from;
        }
      },
    },
    choose: async () => ({
      arms: [{ model: { id: 'm', usd_in: 1, usd_out: 1 }, strategy: 'improve', temperature: 0.2 }],
    }),
    aside: (kind) => ({ model: { id: 'm', usd_in: 1, usd_out: 1 }, strategy: kind, temperature: 0.2 }),
    shares: { author: 0, diagnose: 0, summarise: 0 },
    otherwise: evolveStrategist,
    keep: async () => '0'.repeat(64),
    redact: redactor(['bench-key']),
    log: pino({ level: 'silent' }),
    stopping,
  });
  const spent = { llm: [] as number[], evolve: [] as number[], cpu: [] as number[] };
  for (let i = 0; i < 40; i++) {
    inCalls = 0;
    const from = performance.now();
    await thinking.propose(briefing, task, draws, desk);
    const between = performance.now();
    const before = process.cpuUsage();
    evolveStrategist.propose(briefing, { ...task, archive }, draws);
    if (i < 5) continue;
    spent.llm.push(between - from - inCalls);
    spent.evolve.push(performance.now() - between);
    const { user, system } = process.cpuUsage(before);
    spent.cpu.push((user + system) / 1000);
  }
  await server.close();
  const note = (ms: readonly number[]): string => `median of 35; p90 ${quantile(ms, 0.9).toFixed(1)} ms`;
  return [
    figure(
      'decision_overhead_ms',
      'ms',
      quantile(spent.llm, 0.5),
      50,
      `llm, outside of its calls: ${note(spent.llm)}`,
    ),
    figure(
      'decision_evolve_ms',
      'ms',
      quantile(spent.cpu, 0.5),
      50,
      `evolve, 300 experiments known, on a processor: ${note(spent.cpu)}; ${quantile(spent.evolve, 0.5).toFixed(0)} ms by the clock of a machine with this load`,
    ),
  ];
}

/** How often a model that never gains is asked in decisions 31 to 40, beside one that often does; 200 histories. */
export async function badModelShare(): Promise<Figure[]> {
  const HISTORIES = 200;
  let bad = 0;
  let asked = 0;
  const gains = { routed: 0, fair: 0 };
  for (let h = 0; h < HISTORIES; h++) {
    const draws = rng(`router ${h}`);
    const judged: Judged[] = [];
    const routes = {
      models: [
        { id: 'bad', usd_in: 0.5, usd_out: 2 },
        { id: 'good', usd_in: 0.5, usd_out: 2 },
      ],
      strategies: ['improve', 'explore'],
      temperatures: [0.2, 0.6, 1],
      usd_per_gain: 100,
    };
    for (let n = 0; n < 40; n++) {
      const history: History = { judged, without: [0, 0, 0, 0], behaviour: [] };
      const choice = route(routes, history, draws);
      if ('skip' in choice) continue;
      const [arm] = choice.arms;
      const gain = arm!.model.id === 'good' && draws.uniform() < 0.5 ? 0.02 + 0.01 * draws.uniform() : 0;
      judged.push({
        model: arm!.model.id,
        strategy: arm!.strategy,
        temperature: arm!.temperature,
        gain,
        cost_usd: 0.015,
      });
      gains.routed += gain / 40;
      gains.fair += (0.25 * 0.025) / 40;
      if (n < 30) continue;
      asked += 1;
      if (arm!.model.id === 'bad') bad += 1;
    }
  }
  return [
    figure(
      'bad_model_share_after_30',
      '1',
      bad / Math.max(1, asked),
      0.5,
      `${HISTORIES} histories; gain a decision ${(gains.routed / HISTORIES).toFixed(4)}, ${(gains.fair / HISTORIES).toFixed(4)} without learning`,
    ),
  ];
}
