// From a spec to an artifact with a score on public windows: on all of them, or on as few as show that it will not do.
// Successive halving (Jamieson & Talwalkar 2016) with a bar instead of rivals: every rung doubles the windows of what is left.
import type { Bars } from '../../forecast/bars.js';
import { fitAndCompile, parseSpec, type Spec } from '../../forecast/families/index.js';
import { pooledTrainingData } from '../../forecast/fit/training.js';
import { artifactDigest, packArtifact } from '../../forecast/manifest.js';
import { openInProcess } from '../../forecast/onnx/session.js';
import { pairedGain } from '../../forecast/score/gain.js';
import { windowSetDigest } from '../../forecast/windows.js';
import { mean, type SlotData, scoresOf, windowsOf, yardstickScores } from './scoring.js';

export interface ExperimentInput extends SlotData {
  readonly spec: Spec;
  /** Series of other assets, for a pooled spec. */
  readonly peers?: readonly Bars[];
  readonly data_cutoff_s: number;
  readonly train_bars: number;
  readonly starts: readonly number[];
  readonly min_windows: number;
  /** Ends it early where its gain cannot come up to the floor; absent: all windows are scored. */
  readonly screen?: { readonly floor: number };
}

export interface ExperimentResult {
  readonly artifact: Uint8Array;
  readonly digest: string;
  readonly n_windows: number;
  readonly windows_digest: string;
  readonly mean_crps: number;
  readonly yardstick_crps: number;
  /** Gain over the yardstick as a share of it, with its standard error. */
  readonly gain: number;
  readonly se: number;
  /** Ended early: fewer windows than the day has, and no claim can stand on it. */
  readonly screened: boolean;
}

/** Standard errors below the floor at which a rung gives up: about 1 in 1000 of what is as good as the floor. */
const HOPELESS = 3;
/** Every how many windows a rung scores, before all are. */
const RUNGS = [4, 2];
/** Fewer windows make a standard error that knows nothing. */
const LEAST = 12;

export async function experiment(input: ExperimentInput): Promise<ExperimentResult> {
  const starts = windowsOf(input, input.starts, input.min_windows);
  const spec = parseSpec(input.spec);
  const { onnx, manifest } = fitAndCompile(
    spec,
    pooledTrainingData(input.bars, input.peers ?? [], input.data_cutoff_s, input.train_bars),
    {
      data_cutoff_s: input.data_cutoff_s,
      dataset_digest: input.dataset_digest,
      code_version: input.code_version,
    },
  );
  const artifact = packArtifact(onnx, manifest);
  const sim = await openInProcess(onnx);
  try {
    // Rungs draw paths: sixty times cheaper than placing them, and worse by a thousandth.
    const { sampling: _, ...drawn } = manifest;
    const found = await climb(input, starts, (some, rung) =>
      scoresOf(input, sim, some, rung ? drawn : manifest),
    );
    return {
      artifact,
      digest: artifactDigest(artifact),
      n_windows: found.starts.length,
      windows_digest: windowSetDigest(found.starts),
      mean_crps: mean(found.model),
      yardstick_crps: mean(found.base),
      gain: found.gain,
      se: found.se,
      screened: found.starts.length < starts.length,
    };
  } finally {
    await sim.close();
  }
}

/** Scores rung after rung until one shows that there is no hope, or all windows are scored as a claim is. */
async function climb(
  input: ExperimentInput,
  starts: readonly number[],
  score: (some: readonly number[], rung: boolean) => Promise<Float64Array>,
) {
  const yardstick = await yardstickScores(input, starts);
  const { screen } = input;
  const rungs = screen === undefined ? [] : RUNGS.filter((every) => starts.length >= every * LEAST);
  const drawn = new Map<number, number>();
  for (const every of rungs) {
    const some = starts.filter((_, i) => i % every === 0);
    const due = some.filter((t0) => !drawn.has(t0));
    const made = await score(due, true);
    for (const [i, t0] of due.entries()) drawn.set(t0, made[i]!);
    const model = Float64Array.from(some, (t0) => drawn.get(t0)!);
    const base = yardstick.filter((_, i) => i % every === 0);
    const { gain, se } = pairedGain(base, model, { lag: Math.floor(input.lag / every) });
    if (gain + HOPELESS * se < screen!.floor) return { starts: some, model, base, gain, se };
  }
  const model = await score(starts, false);
  const { gain, se } = pairedGain(yardstick, model, { lag: input.lag });
  return { starts, model, base: yardstick, gain, se };
}
