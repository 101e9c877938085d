// `swarm data download` and `swarm data info` as a person meets them: words, exit codes, what Ctrl-C leaves.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY, type Exchange, openExchange, temporaryDirectory, wave } from '../miner/prices/exchange.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let exchange: Exchange;
let out: ReturnType<typeof temporaryDirectory>;
beforeEach(async () => {
  exchange = await openExchange(DAY + 400 * 86_400);
  out = temporaryDirectory();
});
afterEach(async () => {
  await exchange.close();
  out.remove();
});

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

function swarm(args: string[], started: (kill: () => void) => void = () => undefined): Promise<Ended> {
  const { PATH = '' } = process.env;
  const child = spawn(process.execPath, [main, 'data', ...args], { env: { PATH, HOME: out.path } });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()));
  started(() => child.kill('SIGINT'));
  return new Promise((done) => child.on('close', (status) => done({ status, ...texts })));
}

const download = (to: string, started?: (kill: () => void) => void): Promise<Ended> =>
  swarm(
    [
      ...[
        'download',
        '--source',
        'binance',
        '--assets',
        'BTC',
        '--base-url',
        exchange.url,
        '--out',
        out.path,
      ],
      ...['--from', '2025-03-14T00:00:00Z', '--to', to],
    ],
    started,
  );
const path = (): string => join(out.path, 'BTC_5m.csv.gz');
const text = (): string => gunzipSync(readFileSync(path())).toString();

describe('swarm data download', () => {
  it('ends with one JSON line, and info finds the file as described', async () => {
    const done = await download('2025-03-16T00:00:00Z');
    expect(done.stderr).toContain(
      'BTC_5m.csv.gz: 576 bars, 576 new, 2025-03-14T00:00:00Z to 2025-03-15T23:55:00Z, 0 gaps',
    );
    expect(done.status).toBe(0);
    expect(done.stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(done.stdout)).toMatchObject({
      source: 'binance',
      step_s: 300,
      series: [{ asset: 'BTC', rows: 576 }],
    });
    const info = await swarm(['info', out.path]);
    expect(info.status).toBe(0);
    expect(info.stdout).toContain('576, 2025-03-14T00:00:00Z to 2025-03-15T23:55:00Z, 100% of the grid');
    expect(info.stdout).toContain('verified against the sidecar');
  });

  it('is resumed after Ctrl-C by the same command', async () => {
    const to = '2025-04-14T00:00:00Z';
    const stopped = await download(to, (kill) => {
      const timer = setInterval(() => {
        if (exchange.asked.length < 3) return;
        clearInterval(timer);
        kill();
      }, 5);
    });
    expect(stopped.stderr).toContain('the same command goes on from there');
    expect([stopped.status, stopped.stdout, existsSync(path())]).toEqual([130, '', false]);
    const kept = exchange.asked.length;
    const done = await download(to);
    expect([done.status, text().trim().split('\n').length]).toEqual([0, 31 * 288 + 1]);
    expect(exchange.asked[kept]!.from_s).toBeGreaterThan(exchange.asked[0]!.from_s);
  });

  it.each([
    ['an unknown source', ['--source', 'kraken', '--assets', 'BTC'], /kraken/],
    ['an asset without a symbol', ['--source', 'binance', '--assets', 'XAU'], /SWARM_E_UNKNOWN_ASSET.*XAU/],
    ['a lower-case asset', ['--source', 'binance', '--assets', 'btc'], /SWARM_E_USAGE: btc is no asset name/],
    [
      'one symbol for two assets',
      ['--source', 'binance', '--assets', 'BTC,ETH', '--symbol', 'X'],
      /--symbol/,
    ],
    ['a base that is no address', ['--source', 'binance', '--assets', 'BTC', '--base-url', 'ftp://x'], /ftp/],
  ])('refuses %s', async (_name, args, message) => {
    const refused = await swarm(['download', ...args, '--from', '2025-03-14', '--out', out.path]);
    expect([refused.status, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toMatch(message);
  });
});

describe('swarm data info', () => {
  it('tells gaps, constant prices and the largest move', async () => {
    const flat = DAY + 30 * 3600;
    exchange.price = (t) =>
      t >= DAY + 7200 && t < DAY + 5 * 7200 ? undefined : t >= flat && t < flat + 4 * 3600 ? 100 : wave(t);
    await download('2025-03-16T00:00:00Z');
    const { stdout, status } = await swarm(['info', out.path, '--json']);
    expect(status).toBe(0);
    const [report] = JSON.parse(stdout);
    expect(report).toMatchObject({ asset: 'BTC', step_s: 300, checksum: 'verified', problems: [] });
    expect(report.facts).toMatchObject({
      rows: 480,
      gaps: { count: 1, longest: { from: '2025-03-14T02:00:00Z', to: '2025-03-14T10:00:00Z', bars: 96 } },
      constant: { listed: [{ from: '2025-03-15T06:00:00Z', to: '2025-03-15T10:00:00Z', bars: 48 }], more: 0 },
    });
    expect(report.facts.coverage_percent).toBeCloseTo((100 * 480) / 576, 9);
    expect(Math.abs(report.facts.largest_move.log_return)).toBeGreaterThan(0.01);
  });

  it('reports a broken file with its line, an altered one, and the good ones beside them', async () => {
    await download('2025-03-15T00:00:00Z');
    const lines = text().split('\n');
    writeFileSync(join(out.path, 'ETH_5m.csv.gz'), gzipSync(lines.join('\n')));
    lines[7] = 'nonsense';
    writeFileSync(join(out.path, 'SOL_5m.csv.gz'), gzipSync(lines.join('\n')));
    writeFileSync(join(out.path, 'XRP_5m.csv.gz'), 'no archive');
    writeFileSync(path(), gzipSync(`${text()}1742083200,100,100,101,99\n`));
    const { stdout, status } = await swarm(['info', out.path]);
    expect(status).toBe(1);
    expect(stdout).toMatch(/SWARM_E_DATA_CHECKSUM: BTC_5m\.csv\.gz is not the file/);
    expect(stdout).toMatch(/SWARM_E_BARS_FORMAT: SOL_5m\.csv\.gz:8: /);
    expect(stdout).toMatch(/SWARM_E_DATA_MISSING: XRP_5m\.csv\.gz cannot be read/);
    expect(stdout).toMatch(/ETH_5m\.csv\.gz {2}ETH 5m\n {2}bars {6}288/);
  });
});
