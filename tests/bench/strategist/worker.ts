// The bench's trial thread: one fit, scored on public and on hidden windows, against the yardstick on both.
import { type SlotData, scoresOf, windowsOf, yardstickScores } from '../../../agents/trainer/scoring.js';
import type { Bars } from '../../../forecast/bars.js';
import { fitAndCompile, type Spec } from '../../../forecast/families/index.js';
import { pooledTrainingData } from '../../../forecast/fit/training.js';
import { serveJobs } from '../../../forecast/offload.js';
import { openInProcess } from '../../../forecast/onnx/session.js';
import { pairedGain } from '../../../forecast/score/gain.js';

export interface TrialInput extends SlotData {
  readonly bars: Bars;
  readonly spec: Spec;
  readonly data_cutoff_s: number;
  readonly train_bars: number;
  readonly public_starts: readonly number[];
  readonly hidden_starts: readonly number[];
}

export interface TrialGain {
  readonly gain: number;
  readonly se: number;
}

export interface Trial {
  readonly public: TrialGain;
  /** With the scores of every window, the model's and the yardstick's. */
  readonly hidden: TrialGain & { readonly scores: readonly number[]; readonly yardstick: readonly number[] };
}

async function trial(input: TrialInput): Promise<Trial> {
  const { onnx, manifest } = fitAndCompile(
    input.spec,
    pooledTrainingData(input.bars, [], input.data_cutoff_s, input.train_bars),
    {
      data_cutoff_s: input.data_cutoff_s,
      dataset_digest: input.dataset_digest,
      code_version: input.code_version,
    },
  );
  // Drawn paths, not placed ones: sixty times cheaper, and the same for both sides.
  const { sampling: _, ...drawn } = manifest;
  const sim = await openInProcess(onnx);
  try {
    const on = async (all: readonly number[]): Promise<Trial['hidden']> => {
      const starts = windowsOf(input, all, 10);
      const model = await scoresOf(input, sim, starts, drawn);
      const yardstick = await yardstickScores(input, starts);
      const { gain, se } = pairedGain(yardstick, model, { lag: input.lag });
      return { gain, se, scores: [...model], yardstick: [...yardstick] };
    };
    const { gain, se } = await on(input.public_starts);
    return { public: { gain, se }, hidden: await on(input.hidden_starts) };
  } finally {
    await sim.close();
  }
}

const jobs = { trial };
export type TrialJobs = typeof jobs;

serveJobs(jobs);
