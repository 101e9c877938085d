// The bench's trial thread: one fit, scored on sets of windows, against the yardstick on each.
import { type SlotData, scoresOf, windowsOf, yardstickScores } from '../../../agents/trainer/scoring.js';
import type { Bars } from '../../../forecast/bars.js';
import { fitAndCompile, type Spec } from '../../../forecast/families/index.js';
import { pooledTrainingData, type TrainingData } from '../../../forecast/fit/training.js';
import { serveJobs } from '../../../forecast/offload.js';
import { openInProcess } from '../../../forecast/onnx/session.js';
import { pairedGain } from '../../../forecast/score/gain.js';

export interface TrialInput extends SlotData {
  readonly bars: Bars;
  readonly spec: Spec;
  readonly data_cutoff_s: number;
  readonly train_bars: number;
  /** Sets of windows. */
  readonly starts: readonly (readonly number[])[];
}

export interface TrialGain {
  readonly gain: number;
  readonly se: number;
}

/** With the scores of every window, the model's and the yardstick's. */
export interface Scored extends TrialGain {
  readonly scores: readonly number[];
  readonly yardstick: readonly number[];
}

let train: { readonly cutoff_s: number; readonly data: TrainingData } | null = null;

/** The same object for the same day: what was fitted on it is not fitted again. */
function trainingOf({ bars, data_cutoff_s, train_bars }: TrialInput): TrainingData {
  if (train?.cutoff_s !== data_cutoff_s)
    train = { cutoff_s: data_cutoff_s, data: pooledTrainingData(bars, [], data_cutoff_s, train_bars) };
  return train.data;
}

/** The gain on each set of windows. */
async function trial(input: TrialInput): Promise<Scored[]> {
  const { onnx, manifest } = fitAndCompile(input.spec, trainingOf(input), {
    data_cutoff_s: input.data_cutoff_s,
    dataset_digest: input.dataset_digest,
    code_version: input.code_version,
  });
  // Drawn paths, not placed ones: sixty times cheaper, and the same for both sides.
  const { sampling: _, ...drawn } = manifest;
  const sim = await openInProcess(onnx);
  try {
    const on = async (all: readonly number[]): Promise<Scored> => {
      const starts = windowsOf(input, all, 10);
      const model = await scoresOf(input, sim, starts, drawn);
      const yardstick = await yardstickScores(input, starts);
      const { gain, se } = pairedGain(yardstick, model, { lag: input.lag });
      return { gain, se, scores: [...model], yardstick: [...yardstick] };
    };
    const found: Scored[] = [];
    for (const starts of input.starts) found.push(await on(starts));
    return found;
  } finally {
    await sim.close();
  }
}

const jobs = { trial };
export type TrialJobs = typeof jobs;

serveJobs(jobs);
