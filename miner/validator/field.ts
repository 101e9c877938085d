// The rivals that a local validator scores beside the swarm's miner: the subnet's reference miner, a plain EWMA and a
// calibrated one. They see the same bars and draw their own numbers. In a simulated market an oracle shows the optimum;
// it is scored and never paid.
import { type HistoryNeed, historyFor, lastPrice } from '../../forecast/bars.js';
import { fitAndCompile, referenceSpec, type Spec, yardstickSpec } from '../../forecast/families/index.js';
import { toPrices } from '../../forecast/onnx/prices.js';
import { openInProcess, type Simulator } from '../../forecast/onnx/session.js';
import type { Paths } from '../../forecast/score/index.js';

export const OURS = 'swarm';
export const RIVALS = ['reference', 'ewma', 'calibrated'] as const;
export type Rival = (typeof RIVALS)[number];
/** Miners of the field in the order of their uids. */
export const FIELD = [OURS, ...RIVALS] as const;

/** The spec behind a rival. */
export function rivalSpec(rival: Rival, asset: string, horizon_s: number): Spec {
  if (rival === 'reference') return referenceSpec(asset);
  const calibrated = yardstickSpec(asset, horizon_s);
  // Where the yardstick has no level to leave out, both rivals are the same.
  return rival === 'ewma' && 'scale' in calibrated ? { ...calibrated, scale: 1 } : calibrated;
}

export interface FieldPrompt {
  readonly asset: string;
  readonly start_s: number;
  readonly length_s: number;
  readonly increment_s: number;
  readonly simulations: number;
  readonly seed: string;
}

interface FieldBars {
  readonly asset: string;
  readonly step: number;
  readonly open_s: Float64Array;
  readonly close: Float64Array;
}

const open = new Map<string, Promise<{ sim: Simulator; model: HistoryNeed }>>();

function modelOf(rival: Rival, prompt: FieldPrompt): Promise<{ sim: Simulator; model: HistoryNeed }> {
  const key = `${rival} ${prompt.asset} ${prompt.length_s} ${prompt.increment_s}`;
  let model = open.get(key);
  if (model === undefined) {
    const train = { asset: prompt.asset, step_s: prompt.increment_s, segments: [], starts_s: [] };
    const { onnx, manifest } = fitAndCompile(rivalSpec(rival, prompt.asset, prompt.length_s), train, {
      data_cutoff_s: 0,
      dataset_digest: '0'.repeat(64),
      code_version: 'rival',
    });
    model = openInProcess(onnx).then((sim) => ({ sim, model: manifest }));
    open.set(key, model);
  }
  return model;
}

/** What a rival answers: bars closed one minute before the start, its own seed. */
export async function rivalPaths(rival: Rival, prompt: FieldPrompt, bars: FieldBars): Promise<Paths> {
  const { sim, model } = await modelOf(rival, prompt);
  const known_s = prompt.start_s - 60;
  const past = historyFor(bars, known_s, model);
  const steps = prompt.length_s / prompt.increment_s;
  const returns = await sim.simulate({
    history: past,
    start_s: prompt.start_s,
    step_s: prompt.increment_s,
    steps,
    paths: prompt.simulations,
    seed: `${prompt.seed}/${rival}`,
  });
  return toPrices(returns, steps, prompt.simulations, lastPrice(past));
}
