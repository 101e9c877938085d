// Addition the way numpy adds: pairwise, so that totals agree with the validator's to the last bit.
// Promises: the order of operations of numpy's pairwise sum for a contiguous double array.
// Leaves to others: what is added.

/** numpy's pairwise sum of values[from .. from + n): n < 8 plain, n <= 128 in eight lanes, else split in halves. */
export function pairwiseSum(values: ArrayLike<number>, from = 0, n = values.length - from): number {
  if (n < 8) {
    // numpy starts from -0 so that a sum of negative zeros keeps its sign; 0 reads the same everywhere else.
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[from + i];
    return sum;
  }
  if (n > 128) {
    let half = Math.floor(n / 2);
    half -= half % 8;
    return pairwiseSum(values, from, half) + pairwiseSum(values, from + half, n - half);
  }
  const lanes = new Float64Array(8);
  for (let k = 0; k < 8; k++) lanes[k] = values[from + k];
  const whole = n - (n % 8);
  for (let i = 8; i < whole; i += 8) for (let k = 0; k < 8; k++) lanes[k] += values[from + i + k];
  let sum = lanes[0] + lanes[1] + (lanes[2] + lanes[3]) + (lanes[4] + lanes[5] + (lanes[6] + lanes[7]));
  for (let i = whole; i < n; i++) sum += values[from + i];
  return sum;
}

/**
 * Runs of consecutive observed values: 0, 1, 2, ... for each run of non-NaN values, -1 for a NaN.
 * [1, 2, NaN, 4, NaN, NaN, 7, 8] -> [0, 0, -1, 1, -1, -1, 2, 2].
 */
export function labelObservedBlocks(values: ArrayLike<number>): Int32Array {
  const labels = new Int32Array(values.length).fill(-1);
  let block = -1;
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue;
    if (i === 0 || Number.isNaN(values[i - 1])) block++;
    labels[i] = block;
  }
  return labels;
}
