// How thoroughly paths are made, from the best that a model's manifest states to the least that answers at all.
// Promises: one place where each word of board.answer.sampling has its meaning, for serving and for making paths again.
import type { Manifest } from '../../forecast/manifest.js';
import { type PlacePlan, placePlan } from '../../forecast/sampler/plan.js';
import type { ScoringInterval } from '../../forecast/score/index.js';

/** full: as the manifest states; reduced: placed from fewer simulated paths; drawn: simulated as they are. */
export type Thoroughness = 'full' | 'reduced' | 'drawn';

/** Best first. */
export const THOROUGHNESS: readonly Thoroughness[] = ['full', 'reduced', 'drawn'];

/** A fifth of the usual source: of the gain over plain draws, most is left. */
const REDUCED_PATHS = 4000;

/** The placing that a sampling asks for; undefined where paths are drawn. */
export function placeFor(
  { sampling }: Pick<Manifest, 'sampling'>,
  wanted: Thoroughness,
  intervals: readonly ScoringInterval[],
  step_s: number,
  steps: number,
): PlacePlan | undefined {
  if (sampling === undefined || wanted === 'drawn') return undefined;
  const source_paths =
    wanted === 'full' ? sampling.source_paths : Math.min(REDUCED_PATHS, sampling.source_paths);
  return placePlan({ ...sampling, source_paths }, intervals, step_s, steps);
}
