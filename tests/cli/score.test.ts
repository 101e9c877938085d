// The arithmetic commands as a person runs them: files in, the subnet's numbers out.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const MAIN = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'swarm-score-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
const swarm = (...args: string[]) => execFileSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });

describe('swarm score', () => {
  const args = (path: string) => [
    'score',
    '--profile',
    '2026-05',
    '--competition',
    '24h',
    '--file',
    path,
    '--json',
  ];

  it("prints the subnet's total and its intervals", () => {
    const path = file('s.json', {
      simulations: [
        [90000, 91000, 92000],
        [90000, 91000, 92000],
      ],
      real: [92600, 92500, 93500],
    });
    const { total, intervals } = JSON.parse(swarm(...args(path)));
    expect(total).toBeCloseTo(284.1200564488584, 10);
    expect(Object.keys(intervals)).toEqual(['5min', '30min', '3hour', '24hour_abs']);
  });

  it('takes null for a missing price', () => {
    const path = file('gap.json', {
      simulations: [[50, 60, 65, 80, 90, 94, 101, 120, 130]],
      real: [55, 64, null, 82.5, 89.2, null, null, 123.5, 131.2],
    });
    expect(JSON.parse(swarm(...args(path))).total).toBeGreaterThan(0);
  });

  it('names the path whose length is wrong, and exits 2', () => {
    const run = spawnSync(
      process.execPath,
      [
        MAIN,
        ...args(
          file('bad.json', {
            simulations: [
              [1, 2],
              [1, 2, 3],
            ],
            real: [1, 2, 3],
          }),
        ),
      ],
      { encoding: 'utf8' },
    );
    expect(run.status).toBe(2);
    expect(run.stderr).toContain('path 0 has 2 points');
  });
});

describe('swarm rewards', () => {
  it('pays by softmax over smoothed scores, the lower the more', () => {
    const rows = [
      'miner_id,prompt_score,scored_time,asset',
      '1,100,2026-05-01T10:00:00+00:00,BTC',
      '2,110,2026-05-01T10:00:00+00:00,BTC',
      '3,,2026-05-01T10:00:00+00:00,BTC',
    ];
    const out = JSON.parse(
      swarm(
        'rewards',
        '--profile',
        '2026-05',
        '--competition',
        '24h',
        '--scores',
        file('r.csv', rows.join('\n')),
        '--at',
        '2026-05-01T12:00:00Z',
        '--json',
      ),
    );
    expect(out).toEqual([
      { miner_id: 1, smoothed: 100, weight: expect.closeTo(0.5 / (1 + Math.exp(-1)), 12) },
      { miner_id: 2, smoothed: 110, weight: expect.closeTo(0.5 / (1 + Math.exp(1)), 12) },
      { miner_id: 3, smoothed: null, weight: 0 },
    ]);
  });

  it('says which column is missing', () => {
    const run = spawnSync(
      process.execPath,
      [
        MAIN,
        'rewards',
        '--competition',
        '24h',
        '--scores',
        file('c.csv', 'miner_id,asset\n1,BTC\n'),
        '--at',
        '2026-05-01',
      ],
      { encoding: 'utf8' },
    );
    expect(run.status).toBe(2);
    expect(run.stderr).toContain('prompt_score, scored_time');
  });
});

describe('swarm validate', () => {
  const prompt = {
    asset: 'BTC',
    start_time: '2026-01-15T12:02:00+00:00',
    time_increment: 60,
    time_length: 120,
    num_simulations: 1,
  };
  const verdict = (response: string) =>
    spawnSync(
      process.execPath,
      [
        MAIN,
        'validate',
        '--prompt',
        file('p.json', { simulation_input: prompt }),
        '--response',
        file('a.json', response),
      ],
      { encoding: 'utf8' },
    );

  it("prints the validator's own text and exits by it", () => {
    const good = verdict(
      '{"name":"Simulation","simulation_output":[1768478520,60,[100.5,101.5,102.5]],"timeout":12.0}',
    );
    expect([good.stdout, good.status]).toEqual(['CORRECT\n', 0]);
    const digits = verdict('[1768478520,60,[100.5,12345678.0,102.5]]');
    expect([digits.stdout, digits.status]).toEqual([
      'Price format is incorrect: too many digits 12345678.0\n',
      1,
    ]);
    const none = verdict('{"simulation_output":null}');
    expect(none.stdout).toBe('Response is empty\n');
  });
});
