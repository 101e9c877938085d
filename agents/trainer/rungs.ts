// Rungs of an experiment: how few windows show that a spec will not do.
// Promises: pure but for the scoring it is given; a spec as good as the floor is ended about once in a hundred
// (tests/agents/rungs.test.ts measures it), one without hope on a quarter of the windows. Leaves to others: the floor.
import { pairedGain } from '../../forecast/score/gain.js';

/** Standard errors below the floor at which a rung gives up. */
const HOPELESS = 3;
/** Every how many windows a rung scores, before all are. */
const RUNGS = [4, 2];
/** Fewer windows make a standard error that knows nothing. */
const LEAST = 12;

export interface Climb {
  readonly starts: readonly number[];
  /** The yardstick's score of each. */
  readonly yardstick: Float64Array;
  /** Newey-West lag of the windows. */
  readonly lag: number;
  /** What the gain must come up to; absent: there are no rungs. */
  readonly floor?: number | undefined;
}

export interface Climbed {
  readonly starts: readonly number[];
  readonly model: Float64Array;
  readonly base: Float64Array;
  readonly gain: number;
  readonly se: number;
}

/** Scores rung after rung until one shows that there is no hope, or all windows are scored as a claim is. */
export async function climb(
  { starts, yardstick, lag, floor }: Climb,
  score: (some: readonly number[], rung: boolean) => Promise<Float64Array>,
): Promise<Climbed> {
  const rungs = floor === undefined ? [] : RUNGS.filter((every) => starts.length >= every * LEAST);
  const drawn = new Map<number, number>();
  for (const every of rungs) {
    const some = starts.filter((_, i) => i % every === 0);
    const due = some.filter((t0) => !drawn.has(t0));
    const made = await score(due, true);
    for (const [i, t0] of due.entries()) drawn.set(t0, made[i]!);
    const model = Float64Array.from(some, (t0) => drawn.get(t0)!);
    const base = yardstick.filter((_, i) => i % every === 0);
    const { gain, se } = pairedGain(base, model, { lag: Math.floor(lag / every) });
    if (gain + HOPELESS * se < floor!) return { starts: some, model, base, gain, se };
  }
  const model = await score(starts, false);
  return { starts, model, base: yardstick, ...pairedGain(yardstick, model, { lag }) };
}
