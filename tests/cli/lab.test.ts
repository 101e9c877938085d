// The laboratory as a person runs it: on bars in a directory, with good input and bad, interrupted and gone on with.
import { execFile, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overlapLag, slotPlan } from '../../agents/runtime/windows.js';
import { experiment } from '../../agents/trainer/experiment.js';
import { parseSpec } from '../../forecast/families/index.js';
import { artifactDigest } from '../../forecast/manifest.js';
import { windowStarts } from '../../forecast/windows.js';
import { epoch_s, simulatedMarket } from '../../miner/market/simulated.js';
import { simulatedBars } from '../../miner/prices/simulated.js';
import { findCompetition, loadProfile, scoringIntervals } from '../../miner/sn50/profile.js';
import { seededConstants } from '../../trust/constants.js';

const MAIN = new URL('../../dist/cli/main.js', import.meta.url).pathname;
const DAY_S = 86_400;
const DAYS = 106;
const folder = mkdtempSync(join(tmpdir(), 'swarm-lab-'));
const bars = join(folder, 'bars');
const [minutes] = simulatedBars(simulatedMarket('lab', 'BTC'), epoch_s, epoch_s + DAYS * DAY_S);
const SPEC = { family: 'ewma_t', horizon_s: 3600, half_life_s: 3600, scale: 'fit', nu: 'fit' };

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}
beforeAll(() => {
  mkdirSync(bars);
  const { open_s, close, open, high, low } = minutes.bars;
  const rows = Array.from(open_s, (t, i) => `${t},${close[i]},${open[i]},${high[i]},${low[i]}`);
  writeFileSync(join(bars, 'BTC_1m.csv'), `timestamp_s,close,open,high,low\n${rows.join('\n')}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function swarm(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
}
/** The same without waiting, so that several can run at once. */
function ask(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}
const at = (day: number): string => new Date((epoch_s + day * DAY_S) * 1000).toISOString();
const onSlot = ['--slot', '1h/BTC', '--bars', bars];
const spec = file('spec.json', SPEC);
const FEW = ['--from', at(40), '--to', at(44), '--stride', '14400', '--train-days', '10', '--paths', '100'];

describe('swarm backtest', () => {
  it('prints tables, and the same twice as JSON', () => {
    const args = ['backtest', '--spec', spec, ...onSlot, ...FEW];
    const table = swarm(...args);
    expect(table.stderr).toBe('');
    expect(table.status).toBe(0);
    for (const part of ['gain on yardstick', '0_5min_gaps', 'volatility', 'weekend', 'chi2(9)'])
      expect(table.stdout).toContain(part);
    const svg = join(folder, 'out.svg');
    const fits = join(folder, 'fits');
    const json = (): Record<string, unknown> & { cost: object; windows: unknown[] } =>
      JSON.parse(swarm(...args, '--json', '--svg', svg, '--fits', fits).stdout);
    const [first, second] = [json(), json()];
    expect(first.windows).toHaveLength(24);
    expect(first.cost).toMatchObject({ fits: 1, hits: 0 });
    expect(second.cost).toMatchObject({ fits: 0, hits: 1 });
    expect({ ...second, cost: 0 }).toEqual({ ...first, cost: 0 });
    expect(first).toMatchObject({ subject: { family: 'ewma_t', refit_days: 7, train_days: 10 } });
    expect(first).toMatchObject({ slot: '1h/BTC', seed: '1h/BTC@<start>', total: { n: 24 } });
    expect(readFileSync(svg, 'utf8')).toContain('Backtest of ewma_t on 1h/BTC');
  });

  it('takes an artifact on windows that it has not seen, and on no others', () => {
    const artifact = join(folder, 'model.art');
    const made = swarm('experiment', '--spec', spec, ...onSlot, '--out', artifact, '--json');
    expect(made.stderr).toBe('');
    const args = ['backtest', '--artifact', artifact, ...onSlot, '--paths', '100', '--json'];
    const good = swarm(...args, '--from', at(104), '--to', at(105), '--stride', '14400');
    expect(good.stderr).toBe('');
    const { total, subject } = JSON.parse(good.stdout);
    expect([total.n, subject.artifact]).toEqual([6, JSON.parse(made.stdout).artifact]);
    const early = swarm(...args, '--from', at(40), '--to', at(44));
    expect(early.status).toBe(2);
    expect(early.stderr).toContain('What it saw proves nothing: use --from');
  });

  it.concurrent.each([
    ['both a spec and an artifact', ['--artifact', spec], 2, '--spec and --artifact'],
    ['a slot that is none', ['--slot', 'BTC'], 2, 'SWARM_E_SLOT_INVALID'],
    ['an unknown competition', ['--slot', '7d/BTC'], 2, 'SWARM_E_UNKNOWN_COMPETITION'],
    ['an asset that the competition lacks', ['--slot', '1h/DOGE'], 2, 'SWARM_E_UNKNOWN_ASSET'],
    ['an asset without bars', ['--slot', '1h/ETH'], 1, 'has no bars of ETH'],
    ['a step without bars', ['--slot', '24h/BTC'], 1, 'has no 5-minute bars of BTC'],
    ['a directory that is none', ['--bars', join(folder, 'nowhere')], 1, 'SWARM_E_DATA_MISSING'],
    ['too short a stretch', ['--from', at(40), '--to', at(40)], 1, '0 of 0 windows'],
    ['bars that begin too late', ['--from', at(1), '--to', at(2)], 1, 'SWARM_E_BARS_TOO_FEW'],
    ['an unknown profile', ['--profile', '1999-01'], 2, 'SWARM_E_UNKNOWN_PROFILE'],
    ['a spec that is no JSON', ['--spec', file('text.json', 'ewma')], 2, 'is not JSON'],
    ['a spec with an odd field', ['--spec', file('odd.json', { ...SPEC, x: 1 })], 2, 'SWARM_E_SPEC_INVALID'],
    ['a spec that is not there', ['--spec', join(folder, 'no.json')], 2, 'cannot be read'],
    ['a picture in no directory', ['--svg', join(folder, 'no', 'x.svg')], 2, 'cannot be written'],
    ['no place for fits', ['--fits', join(spec, 'fits')], 2, 'cannot be written'],
  ])('refuses %s', async (_, args, code, words) => {
    const { status, stderr, stdout } = await ask('backtest', '--spec', spec, ...onSlot, ...FEW, ...args);
    expect([status, stdout]).toEqual([code, '']);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('    at ');
  });
});

describe('swarm experiment', () => {
  it('finds what an explorer of that day would claim', async () => {
    const out = join(folder, 'same.art');
    const run = swarm('experiment', '--spec', spec, ...onSlot, '--as-of', at(DAYS), '--json', '--out', out);
    expect(run.stderr).toBe('');
    const claim = JSON.parse(run.stdout);
    const rules = findCompetition(loadProfile('2026-05'), '1h');
    const constants = seededConstants();
    const plan = slotPlan(constants, rules, epoch_s + DAYS * DAY_S);
    const { open_s, close } = minutes.bars;
    const truth = await experiment({
      slot: '1h/BTC',
      spec: parseSpec(SPEC),
      competition: { horizon_s: 3600, increment_s: 60, intervals: scoringIntervals(rules) },
      bars: { asset: 'BTC', step: 60, open_s, close },
      dataset_digest: claim.dataset_digest,
      code_version: claim.code_version.split('+')[0],
      lag: overlapLag(plan),
      paths: rules.num_simulations,
      lookback_bars: (constants('lookback_days_60') * DAY_S) / 60,
      data_cutoff_s: plan.data_cutoff_s,
      train_bars: plan.train_bars,
      starts: windowStarts(plan.public.from_s, plan.public.to_s, plan.windows),
      min_windows: constants('min_windows'),
    });
    expect(claim).toMatchObject({
      artifact: truth.digest,
      n: truth.n_windows,
      windows_digest: truth.windows_digest,
      mean_crps: truth.mean_crps,
      yardstick_crps: truth.yardstick_crps,
      gain: truth.gain,
      se: truth.se,
    });
    expect(artifactDigest(readFileSync(out))).toBe(truth.digest);
  });

  it('says so when a spec was meant for another horizon', () => {
    const other = file('day.json', { ...SPEC, horizon_s: 86_400 });
    const run = swarm('backtest', '--spec', other, ...onSlot, ...FEW, '--json');
    expect([run.status, run.stderr]).toEqual([0, expect.stringContaining('for a horizon of 86400 s')]);
  });

  it('refuses an unknown family and a day without enough bars', () => {
    const odd = swarm('experiment', '--family', 'oracle', ...onSlot);
    expect([odd.status, odd.stderr]).toEqual([2, expect.stringContaining('unknown family "oracle"')]);
    const early = swarm('experiment', '--family', 'ewma_t', ...onSlot, '--as-of', at(20));
    expect([early.status, early.stderr]).toEqual([1, expect.stringContaining('20 are needed')]);
  });
});

describe('swarm sweep', () => {
  const sweep = (out: string, ...more: string[]): string[] => [
    'sweep',
    '--preset',
    'quick',
    '--bars',
    bars,
    '--out',
    out,
    ...more,
  ];
  const lines = (out: string): string[] =>
    readFileSync(join(out, 'results.jsonl'), 'utf8').split('\n').slice(0, -1);

  it('runs each trial once, and a cut line again', () => {
    const out = join(folder, 'sweep');
    const first = swarm(...sweep(out, '--random', '1', '--json'));
    expect(first.status).toBe(0);
    const { results, market } = JSON.parse(first.stdout);
    expect(market).toBe('recorded');
    // Families that need more bars than these are failures, and come last.
    const gainsOf = (list: { result?: { gain: number } }[]): number[] =>
      list.flatMap((r) => (r.result === undefined ? [] : [r.result.gain]));
    const gains = gainsOf(results);
    expect(gains.length).toBeGreaterThan(1);
    expect(gains).toEqual([...gains].sort((a, b) => b - a));
    const kept = lines(out);
    expect(kept).toHaveLength(results.length);
    const again = swarm(...sweep(out, '--random', '1', '--json'));
    expect(again.stderr).toBe(`0 trials run, ${kept.length} were there already\n`);
    expect(JSON.parse(again.stdout)).toEqual(JSON.parse(first.stdout));
    truncateSync(join(out, 'results.jsonl'), Buffer.byteLength(kept.join('\n')) - 20);
    const resumed = swarm(...sweep(out, '--random', '1', '--json'));
    expect(resumed.stderr).toContain('the last line was cut off and is dropped');
    expect(resumed.stderr).toContain(`1 trials run, ${kept.length - 1} were there already`);
    expect(gainsOf(JSON.parse(resumed.stdout).results)).toEqual(gains);
    expect(lines(out)).toHaveLength(kept.length);
  });

  it('keeps failures as results, and tries them again only when asked', () => {
    const out = join(folder, 'failed');
    swarm(...sweep(out));
    const rows = lines(out).map((line) => JSON.parse(line));
    const one = rows.find((row) => row.result !== undefined);
    const rest = rows.filter((row) => row !== one);
    const failing = 1 + rest.filter((row) => row.result === undefined).length;
    const { result: _, ...about } = one;
    const failure = { code: 'SWARM_E_FIT_FAILED', message: 'it did not converge' };
    writeFileSync(
      join(out, 'results.jsonl'),
      [{ ...about, failure }, ...rest].map((row) => `${JSON.stringify(row)}\n`).join(''),
    );
    appendFileSync(join(out, 'results.jsonl'), 'no json\n');
    const kept = swarm(...sweep(out));
    expect(kept.stdout).toContain('SWARM_E_FIT_FAILED');
    expect(kept.stderr).toContain('no result of a sweep; left out');
    expect(kept.stderr).toContain('0 trials run');
    const retried = swarm(...sweep(out, '--retry-failed'));
    expect(retried.stdout).not.toContain('SWARM_E_FIT_FAILED');
    expect(retried.stderr).toContain(`${failing} trials run`);
  });

  it('ends with 130 on Ctrl-C, after the trial in hand, and goes on later', async () => {
    const out = join(folder, 'interrupted');
    const child = spawn(process.execPath, [MAIN, ...sweep(out, '--random', '40')], { stdio: 'pipe' });
    let said = '';
    child.stderr.on('data', (chunk) => (said += chunk));
    while (!existsWithLine(out)) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill('SIGINT');
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(130);
    expect(said).toContain('the same command goes on with what is left');
    const kept = lines(out).length;
    expect(kept).toBeLessThan(80);
    for (const line of lines(out)) expect(JSON.parse(line).result.n).toBeGreaterThan(20);
    const rest = swarm(...sweep(out, '--random', '0'));
    expect(rest.stderr).toMatch(/^\d trials run, \d were there already\n$/);
    const ran = Number(rest.stderr[0]);
    expect(lines(out)).toHaveLength(kept + ran);
  });

  const existsWithLine = (out: string): boolean => {
    try {
      return lines(out).length > 0;
    } catch {
      return false;
    }
  };

  it('refuses what it cannot do', () => {
    const out = join(folder, 'refused');
    expect(swarm(...sweep(out, '--slots', '1h/DOGE')).status).toBe(2);
    expect(swarm(...sweep(out, '--slots', '24h/BTC')).stderr).toContain('has no 5-minute bars of BTC');
    expect(swarm(...sweep(join(spec, 'x'))).stderr).toContain('cannot be used');
    expect(swarm('sweep', '--preset', 'vast', '--bars', bars, '--out', out).status).toBe(2);
  });
});

describe('swarm quick', () => {
  it('says clearly that a simulated market is none', () => {
    const { status, stdout } = swarm('quick', '--out', join(folder, 'quick'));
    expect(status).toBe(0);
    expect(stdout).toContain('SIMULATED MARKET');
    for (const slot of ['24h/BTC', '1h/BTC']) expect(stdout).toContain(slot);
  });
});

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
