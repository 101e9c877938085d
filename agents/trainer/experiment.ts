// From a spec to an artifact with a score on public windows.
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
    const model = await scoresOf(input, sim, starts, manifest);
    const base = await yardstickScores(input, starts);
    const { gain, se } = pairedGain(base, model, { lag: input.lag });
    return {
      artifact,
      digest: artifactDigest(artifact),
      n_windows: starts.length,
      windows_digest: windowSetDigest(starts),
      mean_crps: mean(model),
      yardstick_crps: mean(base),
      gain,
      se,
    };
  } finally {
    await sim.close();
  }
}
