// The reward emulator as a person runs it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ask, swarm } from './lab.js';

const folder = mkdtempSync(join(tmpdir(), 'swarm-emulate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('swarm emulate', () => {
  const head = 'miner_id,prompt_score,scored_time,asset,percentile90,lowest_score';
  const time = '2026-05-01T10:00:00';
  const scores = file('field.csv', `${head}\n1,0,${time},BTC,150,100\n2,10,${time},BTC,150,100\n`);
  const model = file('model.csv', `scored_time,asset,crps\n${time},BTC,110\n`);
  const args = ['emulate', '--from', '2026-05-01T12:00:00Z', '--to', '2026-05-01T18:00:00Z'];
  const run = (...more: string[]) => swarm(...args, ...more);

  it('pays the model like the miner that it equals', () => {
    const files = ['--scores', scores, '--model-scores', model, '--competition', '24h'];
    const { stdout } = run(...files, '--json');
    const out = JSON.parse(stdout);
    const share = Math.exp(-1) / (1 + 2 * Math.exp(-1));
    expect(out).toMatchObject({ prompts: 1, answered: 1, placed: 1, mean_rank: 2 });
    expect(out.mean_share).toBeCloseTo(share, 12);
    expect(out.payments).toHaveLength(2);
    expect(out.sensitivity.map((s: { factor: number }) => s.factor)).toEqual([0.99, 1.01]);
    expect(run(...files).stdout).toContain('mean share of miners');
  });

  it.concurrent.each([
    ['no competition', ['--scores', scores, '--model-scores', model], 'names no competition'],
    [
      'no column',
      ['--scores', scores, '--model-scores', scores, '--competition', '24h'],
      'has no column crps',
    ],
    [
      'no match',
      [
        '--scores',
        scores,
        '--model-scores',
        file('m2.csv', 'scored_time,asset,crps\n1,BTC,1\n'),
        '--competition',
        '24h',
      ],
      'no prompt of',
    ],
    [
      'no place',
      [
        '--scores',
        file('bare.csv', `miner_id,prompt_score,scored_time,asset\n1,0,${time},BTC\n`),
        '--model-scores',
        model,
        '--competition',
        '24h',
      ],
      'a raw CRPS has no place in it',
    ],
    [
      'no payment',
      ['--scores', scores, '--model-scores', model, '--competition', '24h', '--to', '2026-04-01'],
      'no payment between',
    ],
  ])('refuses %s', async (_, more, words) => {
    const { status, stderr } = await ask(...args, ...more);
    expect(status).toBe(2);
    expect(stderr).toContain(words);
  });
});
