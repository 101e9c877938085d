// The field's own scoring code, compiled by numba, on the same arrays: run where a python with numba and numpy exists.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Paths, ScoringInterval } from '../../forecast/score/index.js';

/** SWARM_PYTHON names the interpreter; default python3. Null without numba, with the reason on stderr's side. */
export function compiledScore(
  { count, points, prices }: Paths,
  real: Float64Array,
  step_s: number,
  intervals: readonly ScoringInterval[],
): { total: number; ms: number } | null {
  const terms = intervals.flatMap(({ seconds, kind }) => {
    const stride = seconds / step_s;
    const spans = kind === 'gaps' ? 1 : Math.floor((points - 1) / stride);
    return Array.from({ length: spans }, (_, k) => [
      k * stride,
      (k + 1) * stride,
      kind === 'absolute' ? 1 : 0,
    ]);
  });
  const whole = (values: readonly number[]): Buffer => Buffer.from(BigInt64Array.from(values, BigInt).buffer);
  const bytes = (values: Float64Array): Buffer =>
    Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const input = Buffer.concat([
    whole([count, points, terms.length]),
    bytes(prices),
    bytes(real),
    whole(terms.flat()),
  ]);
  const beside = fileURLToPath(new URL('./reference.py', import.meta.url));
  const source = existsSync(beside)
    ? beside
    : fileURLToPath(new URL('../../../tests/bench/reference.py', import.meta.url));
  const done = spawnSync(process.env['SWARM_PYTHON'] ?? 'python3', [source], {
    input,
    encoding: 'utf8',
    timeout: 120_000,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return done.status === 0 ? (JSON.parse(done.stdout) as { total: number; ms: number }) : null;
}
