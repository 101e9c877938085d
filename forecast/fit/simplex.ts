// Nelder-Mead minimisation: small, derivative-free, and the same steps on every machine.
// Promises: deterministic; says whether it converged instead of returning the last point as if it had.
// Leaves to others: transforming bounded parameters, and choosing starts.

export interface Minimum {
  readonly x: readonly number[];
  readonly value: number;
  readonly converged: boolean;
}

/**
 * Minimises f from `start` with initial edge `edge`, until the simplex values differ by less than `tolerance`
 * (absolute) or `maxCalls` evaluations are spent. A non-finite f counts as +infinity. Nelder & Mead 1965.
 */
export function minimise(
  f: (x: readonly number[]) => number,
  start: readonly number[],
  edge: number,
  tolerance: number,
  maxCalls: number,
): Minimum {
  let calls = 0;
  const at = (x: readonly number[]) => {
    calls++;
    const value = f(x);
    return { x, value: Number.isFinite(value) ? value : Number.POSITIVE_INFINITY };
  };
  const n = start.length;
  const simplex = [at(start), ...start.map((_, i) => at(start.map((v, j) => (i === j ? v + edge : v))))];
  const sort = () => simplex.sort((a, b) => a.value - b.value);
  sort();
  while (calls < maxCalls && simplex[n].value - simplex[0].value > tolerance) {
    const centre = start.map((_, j) => simplex.slice(0, n).reduce((s, p) => s + p.x[j], 0) / n);
    const worst = simplex[n];
    const toward = (t: number) => at(centre.map((c, j) => c + t * (worst.x[j] - c)));
    const mirrored = toward(-1);
    if (mirrored.value < simplex[0].value) {
      const further = toward(-2);
      simplex[n] = further.value < mirrored.value ? further : mirrored;
    } else if (mirrored.value < simplex[n - 1].value) {
      simplex[n] = mirrored;
    } else {
      const inside = toward(mirrored.value < worst.value ? -0.5 : 0.5);
      if (inside.value < Math.min(worst.value, mirrored.value)) simplex[n] = inside;
      else {
        const best = simplex[0];
        for (let i = 1; i <= n; i++)
          simplex[i] = at(simplex[i].x.map((v, j) => best.x[j] + 0.5 * (v - best.x[j])));
      }
    }
    sort();
  }
  const spread = simplex[n].value - simplex[0].value;
  return {
    x: simplex[0].x,
    value: simplex[0].value,
    converged: spread <= tolerance && Number.isFinite(spread),
  };
}

/** Golden-section minimum of a unimodal f on [lo, hi], to `width`. */
export function minimiseOnLine(f: (x: number) => number, lo: number, hi: number, width: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [lo, hi];
  let [c, d] = [b - ratio * (b - a), a + ratio * (b - a)];
  let [fc, fd] = [f(c), f(d)];
  while (b - a > width) {
    if (fc < fd) {
      [b, d, fd] = [d, c, fc];
      c = b - ratio * (b - a);
      fc = f(c);
    } else {
      [a, c, fc] = [c, d, fd];
      d = a + ratio * (b - a);
      fd = f(d);
    }
  }
  return (a + b) / 2;
}
