// A challenger's shadow answers: what it would have sent for prompts that the champion answered.
// A shadow is a pure function of things fixed before the prompt's horizon passed (artifact, bars closed by then,
// anchor, seed), so it is computed afterwards and costs the serving path nothing.
import { gridPrices, historyFor } from '../../forecast/bars.js';
import { placement, type ServedModel } from '../../forecast/evaluate.js';
import { unpackArtifact } from '../../forecast/manifest.js';
import { toPrices } from '../../forecast/onnx/prices.js';
import type { Simulator } from '../../forecast/onnx/session.js';
import { scorePaths } from '../../forecast/score/index.js';
import { inSandbox, type SlotData } from './scoring.js';

export interface ShadowInput extends SlotData {
  readonly artifact: Uint8Array;
  readonly prompts: readonly {
    readonly start_s: number;
    /** The start that the champion's returns were simulated for. */
    readonly forecast_start_s: number;
    readonly data_until_s: number;
    readonly anchor: number;
    readonly seed: string;
  }[];
}

/**
 * Scores a challenger on prompts that the champion answered: same bars, same anchor, same noise.
 * Null where it lacks whole bars to answer from: the champion would have answered in its place.
 */
export async function shadow(input: ShadowInput): Promise<(number | null)[]> {
  const { onnx, manifest } = unpackArtifact(input.artifact);
  return inSandbox(onnx, async (sim) => {
    const scores: (number | null)[] = [];
    for (const prompt of input.prompts)
      scores.push(await scorePrompt(input, sim, manifest, prompt).catch(unlessBarsLack));
    return scores;
  });
}

function unlessBarsLack(error: { code?: string }): null {
  if (error.code === 'SWARM_E_BARS_GAP' || error.code === 'SWARM_E_BARS_TOO_FEW') return null;
  throw error;
}

async function scorePrompt(
  data: ShadowInput,
  sim: Simulator,
  model: ServedModel,
  prompt: ShadowInput['prompts'][number],
): Promise<number> {
  const { horizon_s, increment_s, intervals } = data.competition;
  const steps = horizon_s / increment_s;
  const returns = await sim.simulate({
    history: historyFor(data.bars, prompt.data_until_s, model),
    start_s: prompt.forecast_start_s,
    step_s: increment_s,
    steps,
    paths: data.paths,
    seed: prompt.seed,
    place: placement(model, data.competition),
  });
  return scorePaths(
    toPrices(returns, steps, data.paths, prompt.anchor),
    gridPrices(data.bars, prompt.start_s, horizon_s, increment_s),
    increment_s,
    intervals,
  ).total;
}
