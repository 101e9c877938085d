// Small linear systems and ridge regression.
// Promises: Gaussian elimination with pivoting; a singular system gives NaN, never a guess.
// Leaves to others: choosing regressors.

/** x with matrix x = right; NaN when singular. */
export function solve(matrix: readonly Float64Array[], right: ArrayLike<number>): number[] {
  const n = right.length;
  const rows = matrix.map((row, i) => [...row, right[i]]);
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let i = c + 1; i < n; i++) if (Math.abs(rows[i][c]) > Math.abs(rows[pivot][c])) pivot = i;
    [rows[c], rows[pivot]] = [rows[pivot], rows[c]];
    for (let i = c + 1; i < n; i++) {
      const factor = rows[i][c] / rows[c][c];
      for (let j = c; j <= n; j++) rows[i][j] -= factor * rows[c][j];
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let sum = rows[i][n];
    for (let j = i + 1; j < n; j++) sum -= rows[i][j] * x[j];
    x[i] = sum / rows[i][i];
  }
  return x;
}
