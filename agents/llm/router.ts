// Which model is asked, how, and whether at all: Thompson sampling (Thompson 1933; Russo et al. 2018) over model, prompt
// strategy and temperature, by verified gain per unit of cost.
// Promises: a pure function of the history and the draws. The three choices are learned one after the other, the model from all
// of its decisions, so that a bad one is known after a few and not after a few of every combination.
// Leaves to others: reading the history (history.ts), asking.
import type { Rng } from '../../forecast/rng.js';
import type { Arm } from './client.js';
import type { Model } from './settings.js';

/** A decision that was judged: what it gained, verified (0: nothing came of it), and what its calls cost. */
export interface Judged {
  readonly model: string;
  readonly strategy: string;
  readonly temperature: number;
  readonly gain: number;
  readonly cost_usd: number;
}

export interface Routes {
  readonly models: readonly Model[];
  readonly strategies: readonly string[];
  readonly temperatures: readonly number[];
  /** What a whole verified gain is worth, USD. */
  readonly usd_per_gain: number;
}

export interface History {
  /** Decisions in which a model was asked, any order. */
  readonly judged: readonly Judged[];
  /** Gains of decisions in which none was. */
  readonly without: readonly number[];
  /** What the latest decisions did, newest first, and whether anything came of it. */
  readonly behaviour: readonly { readonly digest: string; readonly gained: boolean }[];
}

/** Where to go when an arm fails or stalls: warmer, then the next model of the ladder at its coolest. */
const ESCALATION: readonly ('temperature' | 'model')[] = ['temperature', 'model'];
/** So many decisions alike, none of which gained anything, are a stall. */
const STALL = 4;
/** Nobody is left out before so many of its decisions were judged. */
const LEAST_JUDGED = 8;
/** One decision in so many asks even where it does not pay, since markets and models change. */
const RETRY_SHARE = 0.02;

/** Gain of one decision before anything is known of it: hopeful, and worth one observation. */
const PRIOR = { mean: 0.01, weight: 1, shape: 1, scale: 0.01 ** 2 };
/** Cost before any is known: a decision of so many tokens. */
const TYPICAL = { tokens_in: 20_000, tokens_out: 1_500 };

export type Route = { readonly arms: readonly Arm[] } | { readonly skip: string };

export function route(routes: Routes, history: History, rng: Rng): Route {
  const { judged } = history;
  const model = best(routes.models, rng, (m) => ({
    gains: judged.filter((j) => j.model === m.id).map((j) => j.gain),
    cost: costOf(m, judged),
  }));
  const worth = expectedGain(judged.map((j) => j.gain)) - expectedGain(history.without);
  const price = mean(judged.map((j) => j.cost_usd));
  if (judged.length >= LEAST_JUDGED && worth * routes.usd_per_gain < price && rng.uniform() >= RETRY_SHARE)
    return { skip: `expected gain ${worth.toPrecision(2)} is not worth ${price.toPrecision(2)} USD` };
  const own = judged.filter((j) => j.model === model.id);
  const strategy = best(routes.strategies, rng, (s) => ({
    gains: own.filter((j) => j.strategy === s).map((j) => j.gain),
    cost: 1,
  }));
  const temperature = best(routes.temperatures, rng, (t) => ({
    gains: own.filter((j) => j.temperature === t).map((j) => j.gain),
    cost: 1,
  }));
  const arms = ladder(routes, { model, strategy, temperature });
  // What stalls starts one rung up.
  return { arms: isStalled(history.behaviour) ? arms.slice(1) : arms };
}

/** The arm and its escalations, without repeats. */
export function ladder(routes: Routes, first: Arm): Arm[] {
  const arms = [first];
  for (const step of ESCALATION) {
    const last = arms.at(-1)!;
    const next =
      step === 'temperature'
        ? { ...last, temperature: routes.temperatures.find((t) => t > last.temperature) ?? last.temperature }
        : { ...last, model: after(routes.models, last.model), temperature: Math.min(...routes.temperatures) };
    if (!arms.some((a) => a.model.id === next.model.id && a.temperature === next.temperature))
      arms.push(next);
  }
  return arms;
}

const after = (models: readonly Model[], model: Model): Model =>
  models[(models.findIndex((m) => m.id === model.id) + 1) % models.length]!;

/** The same thing again and again, to no avail. */
export const isStalled = (behaviour: History['behaviour']): boolean =>
  behaviour.length >= STALL &&
  behaviour.slice(0, STALL).every((b) => b.digest === behaviour[0]!.digest && !b.gained);

function best<T>(
  options: readonly T[],
  rng: Rng,
  known: (option: T) => { readonly gains: readonly number[]; readonly cost: number },
): T {
  let chosen = options[0] as T;
  let highest = Number.NEGATIVE_INFINITY;
  for (const option of options) {
    const { gains, cost } = known(option);
    const drawn = drawMean(gains, rng);
    // Per unit of cost; what is drawn below zero is no better for being cheap.
    const value = drawn > 0 ? drawn / cost : drawn * cost;
    if (value > highest) [chosen, highest] = [option, value];
  }
  return chosen;
}

/** Normal-gamma posterior of the mean gain (DeGroot 1970, 9.6): one draw. */
function drawMean(gains: readonly number[], rng: Rng): number {
  const n = gains.length;
  const centre = mean(gains);
  const weight = PRIOR.weight + n;
  const location = (PRIOR.weight * PRIOR.mean + n * centre) / weight;
  const squares = gains.reduce((s, g) => s + (g - centre) ** 2, 0);
  const scale = PRIOR.scale + squares / 2 + (PRIOR.weight * n * (centre - PRIOR.mean) ** 2) / (2 * weight);
  const shape = PRIOR.shape + n / 2;
  // Twice the shape is whole: a gamma of it is half a chi square.
  let chi = 0;
  for (let i = 0; i < 2 * shape; i++) chi += rng.normal() ** 2;
  const precision = Math.max(chi / 2 / scale, 1e-12);
  return location + rng.normal() / Math.sqrt(weight * precision);
}

const expectedGain = (gains: readonly number[]): number =>
  (PRIOR.weight * PRIOR.mean + gains.reduce((a, b) => a + b, 0)) / (PRIOR.weight + gains.length);

const mean = (xs: readonly number[]): number =>
  xs.length === 0 ? 0 : xs.reduce((a, b) => a + b, 0) / xs.length;

/** Expected cost of a decision of a model: what its decisions cost, and one typical one. */
function costOf(model: Model, judged: readonly Judged[]): number {
  const own = judged.filter((j) => j.model === model.id).map((j) => j.cost_usd);
  const typical = (TYPICAL.tokens_in * model.usd_in + TYPICAL.tokens_out * model.usd_out) / 1e6;
  return Math.max((typical + own.reduce((a, b) => a + b, 0)) / (1 + own.length), 1e-9);
}
