// Scoring one model on windows, with everything a backtest wants to know of each.
// Promises: every model is given the same noise on the same window; a fit sees bars closed by its cut-off alone, and a
// packed artifact is opened in the sandbox.
// Leaves to others: which model, which windows (walk-forward.ts), and what the scores mean (report.ts).
import type { Bars } from '../bars.js';
import { sha256Hex } from '../canonical.js';
import { ForecastError } from '../errors.js';
import { type EvaluatedCompetition, evaluateEach } from '../evaluate.js';
import { canonicalJson, isPooled, type Spec } from '../families/index.js';
import { pooledTrainingData, trainingData } from '../fit/training.js';
import type { CachedFit, FitCache } from '../fit-cache/cache.js';
import { type Manifest, unpackArtifact } from '../manifest.js';
import { openSandboxed } from '../onnx/sandbox.js';
import { openInProcess, type Simulator } from '../onnx/session.js';
import { type Fan, fanOf } from './fan.js';
import { pitOf } from './pit.js';

export interface BacktestData {
  readonly slot: string;
  readonly bars: Bars;
  /** Series of other assets, for pooled fits. */
  readonly peers?: readonly Bars[];
  readonly competition: EvaluatedCompetition;
  readonly paths: number;
  readonly dataset_digest: string;
  readonly code_version: string;
}

/** A model to score: fitted on the bars before a cut-off, with nothing to fit, or as somebody packed it. */
export type ModelRef =
  | {
      readonly kind: 'fit';
      readonly spec: Spec;
      readonly cutoff_s: number;
      readonly train_bars: number;
    }
  | { readonly kind: 'fixed'; readonly spec: Spec }
  | { readonly kind: 'artifact'; readonly artifact: Uint8Array };

export interface WindowScore {
  readonly t0: number;
  /** bps, as the subnet adds them. */
  readonly total: number;
  /** One per interval of the competition, in its order; their sum is the total. */
  readonly intervals: readonly number[];
  /** Rank of the real return within the ensemble, in (0, 1), at each of PIT_AT of the horizon. */
  readonly pit: readonly number[];
}

export interface Scored {
  readonly windows: readonly WindowScore[];
  /** Where the fit came from; absent for an artifact. */
  readonly fit_from?: CachedFit['from'];
  /** Milliseconds of fitting and opening in this call: 0 when the model was open already. */
  readonly fit_ms: number;
  readonly score_ms: number;
}

interface Opened {
  readonly sim: Simulator;
  readonly manifest: Manifest;
  readonly onnx: Uint8Array;
  readonly from?: CachedFit['from'];
}

/** Models that stay open at once: the one under test, its two baselines, and the last block's. */
const OPEN = 4;

export class Scorer {
  readonly #open = new Map<string, Opened>();

  constructor(
    readonly data: BacktestData,
    readonly cache: FitCache,
    /** Seed of the window that starts at t0. */
    readonly seedOf: (t0: number) => string,
  ) {}

  async score(ref: ModelRef, starts: readonly number[]): Promise<Scored> {
    const began = performance.now();
    const model = await this.model(ref);
    const opened = performance.now();
    const windows: WindowScore[] = [];
    await this.#each(model, starts, ({ t0, paths, real, score }) => {
      if (!Number.isFinite(score.total) || score.total < 0)
        throw new ForecastError(
          'SWARM_E_MODEL_FAILED',
          `${this.data.slot}: a forecast for ${new Date(t0 * 1000).toISOString()} scores ${score.total}`,
          'the model forecasts a price of 0 or none: it cannot be compared',
        );
      windows.push({ t0, total: score.total, intervals: this.#named(score), pit: pitOf(paths, real) });
    });
    return {
      windows,
      ...(model.from === undefined ? {} : { fit_from: model.from }),
      fit_ms: opened - began,
      score_ms: performance.now() - opened,
    };
  }

  /** The bands of one window's ensemble and what happened. */
  async fan(ref: ModelRef, t0: number): Promise<Fan> {
    const fans: Fan[] = [];
    await this.#each(await this.model(ref), [t0], ({ paths, real }) => fans.push(fanOf(t0, paths, real)));
    return fans[0];
  }

  async close(): Promise<void> {
    for (const { sim } of this.#open.values()) await sim.close();
    this.#open.clear();
  }

  /** Opens a model, or finds it open. */
  async model(ref: ModelRef): Promise<Opened> {
    const key = ref.kind === 'artifact' ? sha256Hex(ref.artifact) : canonicalJson(ref);
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const made = await this.#make(ref);
    while (this.#open.size >= OPEN) {
      const [oldest, { sim }] = this.#open.entries().next().value!;
      this.#open.delete(oldest);
      await sim.close();
    }
    this.#open.set(key, made);
    return made;
  }

  async #make(ref: ModelRef): Promise<Opened> {
    if (ref.kind === 'artifact') {
      const { onnx, manifest } = unpackArtifact(ref.artifact);
      return { sim: await openSandboxed(onnx), manifest, onnx };
    }
    const { bars, peers = [], dataset_digest, code_version } = this.data;
    const [cutoff_s, count] = ref.kind === 'fit' ? [ref.cutoff_s, ref.train_bars] : [0, 0];
    const train = isPooled(ref.spec)
      ? pooledTrainingData(bars, peers, cutoff_s, count)
      : trainingData(bars, cutoff_s, count);
    const fit = this.cache.fit(ref.spec, train, { data_cutoff_s: cutoff_s, dataset_digest, code_version });
    return { sim: await openInProcess(fit.onnx), ...fit };
  }

  #each(model: Opened, starts: readonly number[], visit: Parameters<typeof evaluateEach>[5]): Promise<void> {
    const { bars, competition, paths } = this.data;
    const opts = { paths, model: model.manifest, seedOf: this.seedOf };
    return evaluateEach(model.sim, bars, starts, competition, opts, visit);
  }

  #named({ intervals }: { intervals: Readonly<Record<string, number>> }): number[] {
    return this.data.competition.intervals.map(({ name }) => intervals[name]);
  }
}
