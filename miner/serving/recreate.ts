// An answer made again from its row: the same model on the same bars with the same numbers, to the last bit.
// Promises: what does not come to the digest in the row is an error, never somebody else's paths.
// Leaves to others: which rows, and what the paths are wanted for.
import { SwarmError } from '../../blackboard/errors.js';
import { type Bars, historyFor } from '../../forecast/bars.js';
import { unpackArtifact } from '../../forecast/manifest.js';
import { toPrices } from '../../forecast/onnx/prices.js';
import { openSandboxed } from '../../forecast/onnx/sandbox.js';
import { competitionFor, type Profile, scoringIntervals } from '../sn50/profile.js';
import { type Prompt, parseStart } from '../sn50/prompt.js';
import { placeFor, type Thoroughness } from './sampling.js';
import { anchored, digestOf, thinned } from './writing.js';

/** What board.answer says of one answer. */
export interface AnswerRow {
  readonly artifact: string;
  readonly seed: string;
  readonly data_until: Date;
  readonly forecast_start: Date | null;
  readonly sampling: string;
  readonly anchor: number;
  readonly paths_digest: string;
}

/**
 * Prices [num_simulations x points] before rounding. `artifact`: the model's bytes; `bars`: the series of the model's own
 * step (the prompt's where a slot asks), with or without what came later. Throws SWARM_E_ARTIFACT_DIGEST when they are not what was sent.
 */
export async function recreate(
  profile: Profile,
  prompt: Prompt,
  row: AnswerRow,
  artifact: Uint8Array,
  bars: Bars,
): Promise<Float64Array> {
  const { onnx, manifest } = unpackArtifact(artifact);
  const { time_length, time_increment, num_simulations: paths } = prompt;
  const { step_s } = manifest;
  const steps = time_length / step_s;
  const rules = competitionFor(profile, prompt.asset, prompt.time_length);
  const intervals = rules === undefined ? [] : scoringIntervals(rules);
  const sim = await openSandboxed(onnx);
  try {
    const returns = await sim.simulate({
      history: historyFor(bars, row.data_until.getTime() / 1000, manifest),
      start_s:
        row.forecast_start === null ? parseStart(prompt.start_time) : row.forecast_start.getTime() / 1000,
      step_s,
      steps,
      paths,
      seed: row.seed,
      place: placeFor(manifest, row.sampling as Thoroughness, intervals, step_s, steps),
    });
    const { prices: simulated, points } = toPrices(returns, steps, paths, 1);
    const prices = anchored(thinned(simulated, points, time_increment / step_s), row.anchor);
    const digest = digestOf(prices);
    if (digest === row.paths_digest) return prices;
    throw new SwarmError(
      'SWARM_E_ARTIFACT_DIGEST',
      `the answer of ${prompt.asset} from ${prompt.start_time} comes to ${digest.slice(0, 12)}, its row says ${row.paths_digest.slice(0, 12)}`,
      'Its bars, its model or its row were altered, or it was made on another kind of processor.',
    );
  } finally {
    await sim.close();
  }
}
