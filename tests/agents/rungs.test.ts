// Experiments that end early: what has no hope dies on a quarter of its windows, and what is as good as the floor is ended no more
// often than the rungs say.
import { describe, expect, it } from 'vitest';
import { climb } from '../../agents/trainer/rungs.js';
import { rng } from '../../forecast/rng.js';

const WINDOWS = 60;
const LAG = 2;
const starts = Array.from({ length: WINDOWS }, (_, i) => i * 43_200);
const yardstick = Float64Array.from(starts, (_, i) => 3000 + 200 * Math.sin(i));

/** Scores of a model with this gain; what one window says of it is noisy, and its neighbour says much the same (design: 8%, 0.4). */
function noisy(gain: number, seed: string): (t0: number) => number {
  const draws = rng(seed);
  let last = draws.normal();
  const noise = starts.map(() => {
    last = 0.4 * last + Math.sqrt(1 - 0.4 ** 2) * draws.normal();
    return 0.08 * last;
  });
  return (t0) => {
    const i = starts.indexOf(t0);
    return yardstick[i]! * (1 - gain - noise[i]!);
  };
}

async function run(gain: number, floor: number | undefined, seed: string) {
  const scored = { rungs: 0, placed: 0 };
  const of = noisy(gain, seed);
  const found = await climb({ starts, yardstick, lag: LAG, floor }, async (some, rung) => {
    scored[rung ? 'rungs' : 'placed'] += some.length;
    return Float64Array.from(some, of);
  });
  return { found, scored };
}

describe('an experiment with rungs', () => {
  it('that has no hope ends on a quarter of its windows, and none of them is placed', async () => {
    for (let i = 0; i < 50; i++) {
      const { found, scored } = await run(-0.4, 0.02, `bad ${i}`);
      expect(found.starts).toHaveLength(WINDOWS / 4);
      expect(scored).toEqual({ rungs: WINDOWS / 4, placed: 0 });
    }
  });

  it('that is as good as the floor is ended about once in a hundred, a better one hardly ever', async () => {
    const share = async (gain: number): Promise<number> => {
      let ended = 0;
      for (let i = 0; i < 3000; i++)
        if ((await run(gain, 0.02, `good ${i}`)).found.starts.length < WINDOWS) ended += 1;
      return ended / 3000;
    };
    expect(await share(0.02)).toBeLessThan(0.02);
    expect(await share(0.06)).toBeLessThan(0.003);
  });

  it('scores no window twice on its rungs, and all of them placed at its end', async () => {
    const { found, scored } = await run(0.05, 0.02, 'good');
    expect(scored).toEqual({ rungs: WINDOWS / 2, placed: WINDOWS });
    expect(found.starts).toEqual(starts);
  });

  it('has none without a floor, and not on so few windows that an error knows nothing', async () => {
    expect((await run(-0.4, undefined, 'bad')).scored).toEqual({ rungs: 0, placed: WINDOWS });
    const few = starts.slice(0, 23);
    let rungs = 0;
    const found = await climb(
      { starts: few, yardstick: yardstick.slice(0, 23), lag: LAG, floor: 0.5 },
      async (some, rung) => {
        if (rung) rungs += 1;
        return Float64Array.from(some, noisy(0, 'few'));
      },
    );
    expect(rungs).toBe(0);
    expect(found.starts).toHaveLength(23);
  });
});
