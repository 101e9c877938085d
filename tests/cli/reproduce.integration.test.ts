// `swarm reproduce`: equal input, equal output, on a machine as busy as it may be.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePorts } from '../ports.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const run = promisify(execFile);
let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'swarm-reproduce-'));
});
afterEach(() => rmSync(temporary, { recursive: true, force: true }));

interface Printed {
  readonly digest: string;
  readonly dataset_digest: string;
  readonly experiments: { artifact: string; claimed: boolean; verdicts: { checker: string }[] }[];
}

async function reproduce(): Promise<Printed> {
  const [base = 0] = await freePorts(4);
  const { PATH = '' } = process.env;
  const { stdout } = await run(
    process.execPath,
    [
      main,
      'reproduce',
      '--market',
      'simulated',
      '--assets',
      'BTC',
      '--experiments',
      '3',
      '--json',
      '--ports',
      String(base),
    ],
    { env: { PATH, HOME: temporary, TMPDIR: tmpdir() }, maxBuffer: 1e8 },
  );
  return JSON.parse(stdout) as Printed;
}

describe('swarm reproduce', () => {
  it('gives the same artifacts and verdicts twice', { timeout: 600_000 }, async () => {
    const first = await reproduce();
    expect(first.experiments).toHaveLength(3);
    for (const { claimed, verdicts } of first.experiments)
      expect(verdicts.length).toBeGreaterThanOrEqual(claimed ? 1 : 0);
    const second = await reproduce();
    expect(second).toEqual(first);
  });
});
