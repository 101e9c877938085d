// A market whose truth is known: models with a true gain, two stretches of windows on which anybody may measure them, and live windows.
// What is measured is the truth plus what the stretch itself adds for every model alike plus each model's own luck on each window.
import { createHash } from 'node:crypto';
import { normal, seeded } from '../../trust/seeded.js';

/** A model as only the simulation knows it. */
export interface Model {
  readonly artifact: string;
  readonly spec_digest: string;
  readonly slot: string;
  /** True gain over the yardstick, as a share of its CRPS. */
  readonly gain: number;
  /** Whose luck it shares, and how much of it: variants of one model do well on the same windows. */
  readonly luck: string;
  readonly alike: number;
  /** What it gains more on the windows that it was fitted on in secret: its author's public ones. */
  readonly overfit: number;
}

/** No model gains more than this. */
export const BEST_GAIN = 0.1;
/** Two windows a day on thirty days. */
export const HIDDEN = 60;
/** Standard deviation of a paired difference on one window: forecasts of real bars show 1.3-2% of the score. */
export const WINDOW_SD = 0.02;
/** What a stretch of a day adds to every gain over the yardstick. */
const DAY_SD = 0.03;
/** Plain standard error of a mean over thirty such days, and the one that agents state. */
export const PLAIN_SE = Math.hypot(DAY_SD / Math.sqrt(30), WINDOW_SD / Math.sqrt(2 * HIDDEN));
export const STATED_SE = 1.5 * PLAIN_SE;

export const sha = (...parts: readonly (string | number)[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex');

export class World {
  readonly #seed: string;
  readonly #draws = new Map<string, number>();
  #made = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** A new model with a true gain; with a parent it has that share of the parent's luck. */
  make(slot: string, gain: number, parent?: Model, alike = 0, overfit = 0): Model {
    const name = sha(this.#seed, 'model', this.#made++);
    const shares = parent !== undefined && alike > 0;
    return {
      artifact: sha(name, 'artifact'),
      spec_digest: sha(name, 'spec'),
      slot,
      gain: Math.min(BEST_GAIN, gain),
      luck: shares ? parent.luck : name,
      alike: shares ? alike : 1,
      overfit,
    };
  }

  /** Measured gain on thirty days that end at `day`: hidden ones end today, public ones 31 days ago. */
  measured(model: Model, day: number): number {
    let sum = 0;
    for (let d = day - 30; d < day; d++) sum += DAY_SD * this.#normal(`day ${model.slot} ${d}`);
    return (
      model.gain +
      sum / 30 +
      mean(this.#windows(day).map((w) => this.#luck(model, w))) * WINDOW_SD * Math.SQRT1_2
    );
  }

  /** The same on the public windows of a claim of that day. */
  measuredByAuthor(model: Model, day: number): number {
    return this.measured(model, day - 31) + model.overfit;
  }

  /** CRPS(champion) - CRPS(model) on each hidden window, as a share. */
  differences(model: Model, champion: Model, day: number): number[] {
    return this.#windows(day).map((w) => this.#difference(model, champion, w));
  }

  /** The same on a live window: numbered from the day it lies on. */
  live(model: Model, champion: Model, day: number, hour: number): number {
    return this.#difference(model, champion, 1e6 + day * 24 + hour);
  }

  #difference(a: Model, b: Model, window: number): number {
    return a.gain - b.gain + WINDOW_SD * Math.SQRT1_2 * (this.#luck(a, window) - this.#luck(b, window));
  }

  #luck(model: Model, window: number): number {
    const shared = this.#normal(`${model.luck} ${window}`);
    return model.alike === 1
      ? shared
      : model.alike * shared + Math.sqrt(1 - model.alike ** 2) * this.#normal(`${model.artifact} ${window}`);
  }

  readonly #windows = (day: number): number[] => Array.from({ length: HIDDEN }, (_, i) => (day - 30) * 2 + i);

  /** A standard normal number that its name decides. */
  #normal(name: string): number {
    const known = this.#draws.get(name);
    if (known !== undefined) return known;
    let hash = 0x811c9dc5;
    for (const c of `${this.#seed} ${name}`) hash = Math.imul(hash ^ c.charCodeAt(0), 0x01000193);
    const drawn = normal(seeded(hash));
    this.#draws.set(name, drawn);
    return drawn;
  }
}

export const mean = (of: readonly number[]): number => of.reduce((a, b) => a + b, 0) / of.length;

export const sampleSd = (of: readonly number[]): number => {
  const m = mean(of);
  return Math.sqrt(of.reduce((sum, x) => sum + (x - m) ** 2, 0) / (of.length - 1));
};
