// The reference miner's job in numpy, run beside the bench where a python with numpy exists.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Milliseconds of each run; null without numpy. SWARM_PYTHON names the interpreter; default python3. */
export function numpyAnswers(runs: number): number[] | null {
  const beside = fileURLToPath(new URL('./reference.py', import.meta.url));
  const source = existsSync(beside)
    ? beside
    : fileURLToPath(new URL('../../../../tests/bench/miner/reference.py', import.meta.url));
  const python = process.env['SWARM_PYTHON'] ?? 'python3';
  const done = spawnSync(python, [source, String(runs)], {
    encoding: 'utf8',
    timeout: 120_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return done.status === 0 ? (JSON.parse(done.stdout) as number[]) : null;
}
