// Backtests and experiments as a person runs them: on bars in a directory, with good input and bad.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { overlapLag, slotPlan } from '../../agents/runtime/windows.js';
import { experiment } from '../../agents/trainer/experiment.js';
import { parseSpec } from '../../forecast/families/index.js';
import { artifactDigest } from '../../forecast/manifest.js';
import { windowStarts } from '../../forecast/windows.js';
import { epoch_s } from '../../miner/market/simulated.js';
import { findCompetition, loadProfile, scoringIntervals } from '../../miner/sn50/profile.js';
import { seededConstants } from '../../trust/constants.js';
import { ask, at, DAY_S, DAYS, LabFolder, swarm } from './lab.js';

const folder = new LabFolder();
afterAll(() => folder.remove());
const { bars, minutes } = folder;
const file = folder.file.bind(folder);
const SPEC = { family: 'ewma_t', horizon_s: 3600, half_life_s: 3600, scale: 'fit', nu: 'fit' };
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
    const svg = join(folder.path, 'out.svg');
    const fits = join(folder.path, 'fits');
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
    const artifact = join(folder.path, 'model.art');
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
    ['an asset without bars', ['--slot', '1h/ETH'], 1, 'has no 1-minute bars of ETH'],
    ['a step without bars', ['--slot', '24h/BTC'], 1, 'has no 5-minute bars of BTC'],
    ['a directory that is none', ['--bars', join(folder.path, 'nowhere')], 1, 'SWARM_E_DATA_MISSING'],
    ['too short a stretch', ['--from', at(40), '--to', at(40)], 1, '0 of 0 windows'],
    ['bars that begin too late', ['--from', at(1), '--to', at(2)], 1, 'SWARM_E_BARS_TOO_FEW'],
    ['an unknown profile', ['--profile', '1999-01'], 2, 'SWARM_E_UNKNOWN_PROFILE'],
    ['a spec that is no JSON', ['--spec', file('text.json', 'ewma')], 2, 'is not JSON'],
    ['a spec with an odd field', ['--spec', file('odd.json', { ...SPEC, x: 1 })], 2, 'SWARM_E_SPEC_INVALID'],
    ['a spec that is not there', ['--spec', join(folder.path, 'no.json')], 2, 'cannot be read'],
    ['a picture in no directory', ['--svg', join(folder.path, 'no', 'x.svg')], 2, 'cannot be written'],
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
    const out = join(folder.path, 'same.art');
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
