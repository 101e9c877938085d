// Simulating threads: each model lives in one of them, its sandbox warm, and what a validator waits for goes first.
// Promises: one model is opened once; jobs of one thread run one after the other; how long a simulation takes is known
// from those before it. Leaves to others: what to simulate, and when it is too late (answers.ts).
import { availableParallelism } from 'node:os';
import { type Offload, offload } from '../../forecast/offload.js';
import type { LoadedModel, ScoreInput, SimulateInput } from './jobs.js';
import { THOROUGHNESS, type Thoroughness } from './sampling.js';
import type { ServingJobs } from './worker.js';

/** urgent: somebody waits for it; ahead: somebody will. */
export type Urgency = 'urgent' | 'ahead';

const MOST_THREADS = 4;
/** Before anything was measured: what a path of a day takes where 20,000 are simulated and placed on two busy cores. */
const FIRST_GUESS_MS: Readonly<Record<Thoroughness, number>> = { full: 1500, reduced: 500, drawn: 200 };
/** Weight of the newest measurement. */
const FORGET = 0.3;

interface Waiting {
  readonly cost_ms: number;
  run(): Promise<void>;
}

class Thread {
  readonly offload: Offload<ServingJobs> = offload<ServingJobs>(new URL('./worker.js', import.meta.url));
  readonly #waiting: Record<Urgency, Waiting[]> = { urgent: [], ahead: [] };
  #running: { until_ms: number } | null = null;
  models = 0;

  /** Milliseconds until an urgent job that is given now would begin. */
  backlog(): number {
    const rest = this.#running === null ? 0 : Math.max(0, this.#running.until_ms - performance.now());
    return this.#waiting.urgent.reduce((sum, one) => sum + one.cost_ms, rest);
  }

  do<T>(urgency: Urgency, cost_ms: number, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting[urgency].push({ cost_ms, run: () => work().then(resolve, reject) });
      void this.#turn();
    });
  }

  async #turn(): Promise<void> {
    if (this.#running !== null) return;
    for (;;) {
      const next = this.#waiting.urgent.shift() ?? this.#waiting.ahead.shift();
      if (next === undefined) break;
      this.#running = { until_ms: performance.now() + next.cost_ms };
      await next.run();
    }
    this.#running = null;
  }
}

export class ModelPool {
  readonly #threads: readonly Thread[];
  readonly #home = new Map<string, Thread>();
  /** Milliseconds of one simulation, by model and thoroughness. */
  readonly #cost = new Map<string, number>();

  constructor(threads = Math.min(MOST_THREADS, availableParallelism())) {
    this.#threads = Array.from({ length: threads }, () => new Thread());
  }

  /** Opens a model where the fewest live, ahead of what is computed ahead. */
  async load(digest: string, bytes: Uint8Array): Promise<LoadedModel> {
    const home = this.#home.get(digest) ?? [...this.#threads].sort((a, b) => a.models - b.models)[0]!;
    const model = await home.do('urgent', FIRST_GUESS_MS.drawn, () =>
      home.offload.call('load', { digest, bytes }),
    );
    if (!this.#home.has(digest)) home.models += 1;
    this.#home.set(digest, home);
    return model;
  }

  async rest(digest: string): Promise<void> {
    await this.#home.get(digest)?.offload.call('rest', { digest });
  }

  async drop(digest: string): Promise<void> {
    const home = this.#home.get(digest);
    if (home === undefined) return;
    this.#home.delete(digest);
    home.models -= 1;
    for (const key of this.#cost.keys()) if (key.startsWith(digest)) this.#cost.delete(key);
    await home.offload.call('drop', { digest });
  }

  /** Milliseconds after which an urgent simulation that is asked for now is expected to be there. */
  expected(digest: string, sampling: Thoroughness): number {
    return (this.#home.get(digest)?.backlog() ?? 0) + this.#costOf(digest, sampling);
  }

  /** As measured; before that, in proportion to what was measured of the same model. */
  #costOf(digest: string, sampling: Thoroughness): number {
    for (const measured of [sampling, ...THOROUGHNESS]) {
      const cost_ms = this.#cost.get(`${digest} ${measured}`);
      if (cost_ms !== undefined) return (cost_ms * FIRST_GUESS_MS[sampling]) / FIRST_GUESS_MS[measured];
    }
    return FIRST_GUESS_MS[sampling];
  }

  async simulate(input: SimulateInput, urgency: Urgency): Promise<Float64Array> {
    const { digest, sampling, intervals } = input;
    const home = this.#home.get(digest) ?? this.#threads[0]!;
    return home.do(urgency, this.#costOf(digest, sampling), async () => {
      const began = performance.now();
      const paths = await home.offload.call('simulate', input);
      // What no slot asks for is of any size, and says nothing of what a slot's prompts take.
      if (intervals.length === 0) return paths;
      const took = performance.now() - began;
      const before = this.#cost.get(`${digest} ${sampling}`) ?? took;
      this.#cost.set(`${digest} ${sampling}`, before + FORGET * (took - before));
      return paths;
    });
  }

  /** Scores what a model simulates; nobody waits for it. */
  score(input: ScoreInput): Promise<number> {
    const home = this.#home.get(input.digest) ?? this.#threads[0]!;
    return home.do('ahead', this.#costOf(input.digest, input.sampling), () =>
      home.offload.call('score', input),
    );
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.offload.close()));
  }
}
