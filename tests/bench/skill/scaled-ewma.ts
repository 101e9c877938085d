// The yardstick of the skill table: Gaussian steps with an EWMA standard deviation times one fitted factor.
// Half-life and factor are chosen on training bars alone, by the closed-form CRPS of every scored block.
import type { Bars } from '../../../forecast/bars.js';
import { curveOf, readCrps } from '../../../forecast/direct/law.js';
import { type Blocks, termsOf, visibleLag } from '../../../forecast/direct/windows.js';
import { type TrainingData, trainingGrid } from '../../../forecast/fit/training.js';
import type { Simulator } from '../../../forecast/onnx/session.js';
import { rng } from '../../../forecast/rng.js';

export interface ScaledEwma {
  readonly half_life_s: number;
  readonly scale: number;
}

const HALF_LIVES = 8;
const SCALES = Array.from({ length: 23 }, (_, i) => 0.5 + 0.025 * i);
const gaussian = curveOf({ weights: [1], scales: [1] });

/** EWMA of squared returns after each bar, of the bars that exist; NaN until five of them weigh in. */
function variances(logs: Float64Array, keep: number): Float64Array {
  let sum = 0;
  let weight = 0;
  return logs.map((v, i) => {
    const r = i === 0 ? Number.NaN : v - logs[i - 1];
    sum *= keep;
    weight *= keep;
    if (!Number.isNaN(r)) {
      sum += r * r;
      weight += 1;
    }
    return weight > 5 ? sum / weight : Number.NaN;
  });
}

export function fitScaledEwma(
  train: TrainingData,
  half_lives_s: readonly number[],
  blocks: readonly Blocks[],
  steps: number,
): ScaledEwma {
  const { logs } = trainingGrid(train);
  const { step_s } = train;
  const terms = termsOf(blocks, steps);
  const offset = step_s === 60 ? 1 : 0;
  let best = { half_life_s: half_lives_s[0]!, scale: 1, loss: Number.POSITIVE_INFINITY };
  for (const half_life_s of half_lives_s) {
    const states = variances(logs, 2 ** (-step_s / half_life_s));
    const losses = SCALES.map(() => 0);
    let n = 0;
    for (let first = steps; first + offset + steps < logs.length; first += steps + 1) {
      const sd = Math.sqrt(states[first + offset - 1 - visibleLag(step_s)]!);
      if (!(sd > 0)) continue;
      n += 1;
      for (const { from, to } of terms) {
        const y = logs[first + offset - 1 + to]! - logs[first + offset - 1 + from]!;
        if (Number.isNaN(y)) continue;
        const unit = sd * Math.sqrt(to - from);
        SCALES.forEach((scale, k) => {
          losses[k]! += scale * unit * readCrps(gaussian, y / (scale * unit));
        });
      }
    }
    losses.forEach((sum, k) => {
      if (sum / n < best.loss) best = { half_life_s, scale: SCALES[k]!, loss: sum / n };
    });
  }
  return { half_life_s: best.half_life_s, scale: best.scale };
}

export const ewmaHistory = ({ half_life_s }: ScaledEwma, bars: Bars) => ({
  history_bars: Math.ceil((HALF_LIVES * half_life_s) / bars.step) + 1,
  history_gaps: true as const,
});

/** Draws paths as any model does, from a history that may have holes. */
export function scaledEwma({ half_life_s, scale }: ScaledEwma): Simulator {
  return {
    async simulate({ history, step_s, steps, paths, seed }) {
      const deviation = scale * Math.sqrt(variances(history, 2 ** (-step_s / half_life_s)).at(-1)!);
      const out = new Float32Array(steps * paths);
      rng(seed).fillNormal(out);
      return out.map((z) => z * deviation);
    },
    async close() {
      // Nothing was opened.
    },
  };
}
