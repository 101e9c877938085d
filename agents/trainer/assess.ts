// A checker's re-run: the artifact from its bytes alone, on hidden windows, beside the champion and the yardstick.
import { SwarmError } from '../../blackboard/errors.js';
import { ForecastError } from '../../forecast/errors.js';
import type { ServedModel } from '../../forecast/evaluate.js';
import { unpackArtifact } from '../../forecast/manifest.js';
import type { Simulator } from '../../forecast/onnx/session.js';
import { pairedGain } from '../../forecast/score/gain.js';
import { windowSetDigest } from '../../forecast/windows.js';
import {
  inSandbox,
  mean,
  ScoreCache,
  type SlotData,
  scoresOf,
  windowsOf,
  yardstickScores,
} from './scoring.js';

export interface AssessInput extends SlotData {
  readonly artifact: Uint8Array;
  readonly champion: Uint8Array;
  readonly champion_digest: string;
  readonly starts: readonly number[];
  readonly min_windows: number;
  /** What the claim says of the public windows, to be worked out again. */
  readonly retrace?: {
    readonly starts: readonly number[];
    readonly gain: number;
    readonly tolerance: number;
  };
  readonly expect: { readonly asset: string; readonly spec_digest: string; readonly data_cutoff_s: number };
}

export interface Assessment {
  readonly starts: number[];
  readonly windows_digest: string;
  readonly mean_crps: number;
  readonly yardstick_crps: number;
  readonly champion_crps: number;
  readonly gain: number;
  readonly se: number;
  /** CRPS(champion) - CRPS(artifact) per window. */
  readonly differences: number[];
  readonly champion_t: number;
  /** sd of the differences as a share of the champion's mean score. */
  readonly difference_sd: number;
}

const champions = new ScoreCache();

/** The claim's own number again, from the artifact. What was measured comes out as it was claimed; what was made up does not. */
async function assertRetraced(
  input: AssessInput,
  sim: Simulator,
  manifest: ServedModel,
  { starts: all, gain: claimed, tolerance }: NonNullable<AssessInput['retrace']>,
): Promise<void> {
  const starts = windowsOf(input, all, input.min_windows);
  const model = await scoresOf(input, sim, starts, manifest);
  const { gain } = pairedGain(await yardstickScores(input, starts), model, { lag: input.lag });
  // Either way: a number that is too low was not measured either, and whoever climbs the hidden windows states what it was told.
  if (Math.abs(claimed - gain) > tolerance)
    throw new SwarmError(
      'SWARM_E_CLAIM_UNTRUE',
      `it claims a gain of ${claimed} on the public windows, and its artifact makes ${gain}`,
      'The claim does not say what was measured.',
    );
}

/** Its failures carry no code: they are the checker's trouble, and never held against the claim. */
async function championScores(input: AssessInput, starts: readonly number[]): Promise<Float64Array> {
  try {
    const { onnx, manifest } = unpackArtifact(input.champion);
    return await inSandbox(onnx, (sim) => scoresOf(input, sim, starts, manifest));
  } catch (error) {
    throw new Error(`champion ${input.champion_digest} cannot be scored: ${(error as Error).message}`);
  }
}

/** Re-scores an artifact from its bytes alone, in the locked-down child, beside the champion and the yardstick. */
export async function assess(input: AssessInput): Promise<Assessment> {
  const { onnx, manifest } = unpackArtifact(input.artifact);
  const { expect } = input;
  if (
    manifest.asset !== expect.asset ||
    manifest.spec_digest !== expect.spec_digest ||
    manifest.data_cutoff_s !== expect.data_cutoff_s ||
    manifest.step_s !== input.bars.step
  )
    throw new ForecastError(
      'SWARM_E_MODEL_REFUSED',
      "the artifact's manifest is not what the claim says of it",
      'The claim does not describe this artifact.',
    );
  const starts = windowsOf(input, input.starts, input.min_windows);
  const model = await inSandbox(onnx, async (sim) => {
    if (input.retrace !== undefined) await assertRetraced(input, sim, manifest, input.retrace);
    return scoresOf(input, sim, starts, manifest);
  });
  const base = await yardstickScores(input, starts);
  const champion = await champions.get(
    `${input.slot} ${input.champion_digest} ${windowSetDigest(starts)}`,
    () => championScores(input, starts),
  );
  const { gain, se } = pairedGain(base, model, { lag: input.lag });
  const against = pairedGain(champion, model, { lag: input.lag });
  const differences = Array.from(model, (score, i) => champion[i]! - score);
  const centre = mean(Float64Array.from(differences));
  const sd =
    Math.sqrt(differences.reduce((s, d) => s + (d - centre) ** 2, 0) / (differences.length - 1)) /
    mean(champion);
  return {
    starts,
    windows_digest: windowSetDigest(starts),
    mean_crps: mean(model),
    yardstick_crps: mean(base),
    champion_crps: mean(champion),
    gain,
    se,
    differences,
    champion_t: against.t,
    difference_sd: sd,
  };
}
