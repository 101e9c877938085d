// L-BFGS: minimisation with gradients for the fits that have hundreds of weights.
// Promises: deterministic; every accepted step lowers the value; ends after a fixed number of evaluations.
// Leaves to others: scaling the variables, and derivative-free problems (simplex.ts).

export interface Descent {
  readonly x: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** The last step changed the value by less than the tolerance, rather than the work running out. */
  readonly converged: boolean;
}

const MEMORY = 10;
const ARMIJO = 1e-4;

/**
 * Minimises f from `start`; f writes its gradient into `gradient` and returns the value. Ends when a step improves the
 * value by less than `tolerance` of it. Nocedal & Wright 2006, algorithm 7.5, with backtracking.
 */
export function descend(
  f: (x: Float64Array, gradient: Float64Array) => number,
  start: Float64Array,
  tolerance: number,
  maxCalls: number,
): Descent {
  const n = start.length;
  let x = start.slice();
  let gradient = new Float64Array(n);
  let value = f(x, gradient);
  let calls = 1;
  const memory: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  let iterations = 0;
  while (calls < maxCalls) {
    const direction = newtonLike(gradient, memory);
    let slope = dot(direction, gradient);
    if (!(slope < 0)) {
      memory.length = 0;
      for (let i = 0; i < n; i++) direction[i] = -gradient[i];
      slope = dot(direction, gradient);
      if (!(slope < 0)) return { x, value, iterations, converged: true };
    }
    let step = memory.length === 0 ? Math.min(1, 1 / Math.sqrt(-slope)) : 1;
    const next = new Float64Array(n);
    const nextGradient = new Float64Array(n);
    let found = Number.NaN;
    for (let tries = 0; tries < 30 && calls < maxCalls; tries++, step /= 2) {
      for (let i = 0; i < n; i++) next[i] = x[i] + step * direction[i];
      const trial = f(next, nextGradient);
      calls++;
      if (trial <= value + ARMIJO * step * slope) {
        found = trial;
        break;
      }
    }
    if (Number.isNaN(found)) return { x, value, iterations, converged: calls < maxCalls };
    const s = next.map((v, i) => v - x[i]);
    const y = nextGradient.map((v, i) => v - gradient[i]);
    const curvature = dot(s, y);
    if (curvature > 1e-12 * Math.sqrt(dot(s, s) * dot(y, y))) {
      memory.push({ s, y, rho: 1 / curvature });
      if (memory.length > MEMORY) memory.shift();
    }
    const gained = value - found;
    x = next;
    gradient = nextGradient;
    value = found;
    iterations++;
    if (gained <= tolerance * Math.abs(value)) return { x, value, iterations, converged: true };
  }
  return { x, value, iterations, converged: false };
}

function newtonLike(
  gradient: Float64Array,
  memory: readonly { s: Float64Array; y: Float64Array; rho: number }[],
): Float64Array {
  const q = gradient.map((g) => -g);
  const alphas = new Float64Array(memory.length);
  for (let k = memory.length - 1; k >= 0; k--) {
    const { s, y, rho } = memory[k];
    alphas[k] = rho * dot(s, q);
    for (let i = 0; i < q.length; i++) q[i] -= alphas[k] * y[i];
  }
  const last = memory.at(-1);
  if (last !== undefined) {
    const scale = 1 / (last.rho * dot(last.y, last.y));
    for (let i = 0; i < q.length; i++) q[i] *= scale;
  }
  for (let k = 0; k < memory.length; k++) {
    const { s, y, rho } = memory[k];
    const beta = rho * dot(y, q);
    for (let i = 0; i < q.length; i++) q[i] += s[i] * (alphas[k] - beta);
  }
  return q;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
