// Sums of expected variances over blocks, for processes whose expectations have no closed sum.
// Promises: each origin's path of expectations is computed once, however many blocks are asked for.
// Leaves to others: the expectation of one step.
import type { BlockSet } from '../fit/level.js';

/** `at(run, i, h)`: expected variance of step h seen after return i of run; NaN before warm-up. */
export function expectedSums(
  at: (run: number, i: number, h: number) => number,
): (run: number, i: number, block: BlockSet) => number {
  const known = new Map<string, number[]>();
  return (run, i, { lead, length }) => {
    const key = `${run}/${i}`;
    let sums = known.get(key);
    if (sums === undefined) {
      sums = [0];
      known.set(key, sums);
    }
    while (sums.length <= lead + length) sums.push(sums[sums.length - 1] + at(run, i, sums.length - 1));
    return sums[lead + length] - sums[lead];
  };
}
