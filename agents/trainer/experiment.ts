// From a spec to an artifact with a score on public windows: on all of them, or on as few as show that it will not do.
// Successive halving (Jamieson & Talwalkar 2016) with a bar instead of rivals: every rung doubles the windows of what is left.
import type { Bars } from '../../forecast/bars.js';
import { fitAndCompile, parseSpec, type Spec } from '../../forecast/families/index.js';
import { pooledTrainingData } from '../../forecast/fit/training.js';
import { artifactDigest, packArtifact } from '../../forecast/manifest.js';
import { openInProcess } from '../../forecast/onnx/session.js';
import { windowSetDigest } from '../../forecast/windows.js';
import { climb } from './rungs.js';
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
    const yardstick = await yardstickScores(input, starts);
    const found = await climb(
      { starts, yardstick, lag: input.lag, floor: input.screen?.floor },
      (some, rung) => scoresOf(input, sim, some, rung ? drawn : manifest),
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
