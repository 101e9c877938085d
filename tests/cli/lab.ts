// Test ground for the laboratory's commands: a directory of simulated bars, and the command as a person runs it.
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { epoch_s, simulatedMarket } from '../../miner/market/simulated.js';
import { simulatedBars } from '../../miner/prices/simulated.js';

export const MAIN = new URL('../../dist/cli/main.js', import.meta.url).pathname;
export const DAY_S = 86_400;
// Whole commands, several to a test: a busy machine takes its time.
vi.setConfig({ testTimeout: 180_000 });

/** Length of the simulated market. */
export const DAYS = 106;

export interface Said {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class LabFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'swarm-lab-'));
  /** A directory with one minute bars of BTC. */
  readonly bars = join(this.path, 'bars');
  readonly minutes = simulatedBars(simulatedMarket('lab', 'BTC'), epoch_s, epoch_s + DAYS * DAY_S)[0];

  constructor() {
    mkdirSync(this.bars);
    const { open_s, close, open, high, low } = this.minutes.bars;
    const rows = Array.from(open_s, (t, i) => `${t},${close[i]},${open[i]},${high[i]},${low[i]}`);
    this.file(join('bars', 'BTC_1m.csv'), `timestamp_s,close,open,high,low\n${rows.join('\n')}\n`);
  }

  file(name: string, content: unknown): string {
    const path = join(this.path, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function swarm(...args: string[]): Said {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
}

/** The same without waiting, so that several can run at once. */
export function ask(...args: string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

/** The start of a day of the simulated market. */
export const at = (day: number): string => new Date((epoch_s + day * DAY_S) * 1000).toISOString();
