// CMA-ES (Hansen 2016, arXiv:1604.00772) on [0, 1]^n: where to look next, from points and how good they were.
// Promises: a pure function of what it was told; points that others chose may be told as well (Hansen 2011, injection: steps
// are clipped). Leaves to others: what the coordinates mean, and keeping samples inside.
import type { Rng } from '../../forecast/rng.js';

export interface Told {
  readonly x: readonly number[];
  /** Higher is better. */
  readonly value: number;
}

export interface Cma {
  readonly mean: readonly number[];
  readonly sigma: number;
  tell(generation: readonly Told[]): Cma;
  sample(rng: Rng): number[];
}

interface State {
  readonly mean: readonly number[];
  readonly sigma: number;
  /** Covariance, row-major. */
  readonly c: readonly number[];
  readonly pathSigma: readonly number[];
  readonly pathC: readonly number[];
}

/** Points a generation should have. */
export const generationSize = (n: number): number => 4 + Math.floor(3 * Math.log(n));

export function openCma(mean: readonly number[], sigma: number): Cma {
  const n = mean.length;
  const zero = new Array<number>(n).fill(0);
  const c = Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  return from({ mean: [...mean], sigma, c, pathSigma: zero, pathC: zero });
}

function from(s: State): Cma {
  const n = s.mean.length;
  return {
    mean: s.mean,
    sigma: s.sigma,
    tell: (generation) => (generation.length < 2 ? from(s) : from(told(s, generation))),
    sample(rng) {
      const root = cholesky(s.c, n);
      const z = Array.from({ length: n }, () => rng.normal());
      return s.mean.map((m, i) => m + s.sigma * sum(i + 1, (k) => root[i * n + k]! * z[k]!));
    },
  };
}

function told(s: State, generation: readonly Told[]): State {
  const n = s.mean.length;
  const ranked = [...generation].sort((a, b) => b.value - a.value);
  const mu = Math.max(1, ranked.length >> 1);
  const raw = Array.from({ length: mu }, (_, i) => Math.log(mu + 0.5) - Math.log(i + 1));
  const total = raw.reduce((a, b) => a + b, 0);
  const w = raw.map((v) => v / total);
  const mueff = 1 / w.reduce((a, v) => a + v * v, 0);
  const cs = (mueff + 2) / (n + mueff + 5);
  const ds = 1 + 2 * Math.max(0, Math.sqrt((mueff - 1) / (n + 1)) - 1) + cs;
  const cc = (4 + mueff / n) / (n + 4 + (2 * mueff) / n);
  const c1 = 2 / ((n + 1.3) ** 2 + mueff);
  const cmu = Math.min(1 - c1, (2 * (mueff - 2 + 1 / mueff)) / ((n + 2) ** 2 + mueff));
  const chi = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));
  const root = cholesky(s.c, n);
  const steps = ranked.slice(0, mu).map(({ x }) => {
    const y = x.map((v, i) => (v - s.mean[i]!) / s.sigma);
    // Injected points may lie far off: no step is longer than a sample's would be.
    const length = norm(solve(root, n, y));
    const longest = Math.sqrt(n) + (2 * n) / (n + 2);
    return length > longest ? y.map((v) => (v * longest) / length) : y;
  });
  const step = s.mean.map((_, i) => sum(mu, (k) => w[k]! * steps[k]![i]!));
  const white = solve(root, n, step);
  const pathSigma = s.pathSigma.map((p, i) => (1 - cs) * p + Math.sqrt(cs * (2 - cs) * mueff) * white[i]!);
  const short = norm(pathSigma) < (1.4 + 2 / (n + 1)) * chi * Math.sqrt(cs * (2 - cs)) * 2 ? 1 : 0;
  const pathC = s.pathC.map((p, i) => (1 - cc) * p + short * Math.sqrt(cc * (2 - cc) * mueff) * step[i]!);
  const c = s.c.map((v, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    const rank = sum(mu, (k) => w[k]! * steps[k]![i]! * steps[k]![j]!);
    return (1 - c1 - cmu) * v + c1 * pathC[i]! * pathC[j]! + cmu * rank;
  });
  const grown = s.sigma * Math.exp((cs / ds) * (norm(pathSigma) / chi - 1));
  return {
    mean: s.mean.map((m, i) => Math.min(1, Math.max(0, m + s.sigma * step[i]!))),
    // The unit cube is the whole space, and six digits are all that counts.
    sigma: Math.min(0.4, Math.max(0.01, grown)),
    c,
    pathSigma,
    pathC,
  };
}

const sum = (n: number, term: (i: number) => number): number => {
  let total = 0;
  for (let i = 0; i < n; i++) total += term(i);
  return total;
};
const norm = (x: readonly number[]): number => Math.sqrt(sum(x.length, (i) => x[i]! ** 2));

function cholesky(c: readonly number[], n: number): number[] {
  const l = new Array<number>(n * n).fill(0);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const left = c[i * n + j]! - sum(j, (k) => l[i * n + k]! * l[j * n + k]!);
      l[i * n + j] = i === j ? Math.sqrt(Math.max(left, 1e-10)) : left / l[j * n + j]!;
    }
  return l;
}

function solve(l: readonly number[], n: number, b: readonly number[]): number[] {
  const x: number[] = [];
  for (let i = 0; i < n; i++) x.push((b[i]! - sum(i, (k) => l[i * n + k]! * x[k]!)) / l[i * n + i]!);
  return x;
}
