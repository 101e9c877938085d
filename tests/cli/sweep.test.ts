// Sweeps as a person runs them: interrupted, cut off, and gone on with.
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LabFolder, MAIN, swarm } from './lab.js';

const folder = new LabFolder();
afterAll(() => folder.remove());
const { bars } = folder;

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
    const out = join(folder.path, 'sweep');
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
    const out = join(folder.path, 'failed');
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
    const out = join(folder.path, 'interrupted');
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
    expect(rest.stderr).toMatch(/^\d+ trials run, \d+ were there already\n$/);
    const ran = Number.parseInt(rest.stderr, 10);
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
    const out = join(folder.path, 'refused');
    expect(swarm(...sweep(out, '--slots', '1h/DOGE')).status).toBe(2);
    expect(swarm(...sweep(out, '--slots', '24h/BTC')).stderr).toContain('has no 5-minute bars of BTC');
    expect(swarm(...sweep(join(folder.file('spec.json', {}), 'x'))).stderr).toContain('cannot be used');
    expect(swarm('sweep', '--preset', 'vast', '--bars', bars, '--out', out).status).toBe(2);
  });
});

describe('swarm quick', () => {
  it('says clearly that a simulated market is none', () => {
    const { status, stdout } = swarm('quick', '--out', join(folder.path, 'quick'));
    expect(status).toBe(0);
    expect(stdout).toContain('SIMULATED MARKET');
    for (const slot of ['24h/BTC', '1h/BTC']) expect(stdout).toContain(slot);
  });
});
