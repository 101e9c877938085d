// The laboratory's worker thread: everything that takes CPU, so that Ctrl-C and the progress line never wait for it.
import { noiseSeed } from '../../agents/runtime/windows.js';
import { type BacktestData, type ModelRef, Scorer } from '../../forecast/backtest/scorer.js';
import { FitCache } from '../../forecast/fit-cache/cache.js';
import { fitDirectory } from '../../forecast/fit-cache/directory.js';
import { packArtifact } from '../../forecast/manifest.js';
import { serveJobs } from '../../forecast/offload.js';
import { usableWindows } from '../../forecast/windows.js';
import { simulatedMarket } from '../../miner/market/simulated.js';
import { simulatedBars } from '../../miner/prices/simulated.js';

interface Setup {
  /** Version of the code, for the fit cache. */
  readonly code: string;
  /** Directory of fits that outlast the run. */
  readonly fits?: string;
}

const caches = new Map<string, FitCache>();
let scorer: Scorer | null = null;

function cacheOf({ code, fits }: Setup): FitCache {
  const known = caches.get(fits ?? '');
  if (known !== undefined) return known;
  const warn = (line: string): void => void process.stderr.write(`${line}\n`);
  const made = new FitCache({ code, ...(fits === undefined ? {} : { store: fitDirectory(fits, warn) }) });
  caches.set(fits ?? '', made);
  return made;
}

function current(): Scorer {
  if (scorer === null) throw new Error('no slot is open');
  return scorer;
}

const jobs = {
  /** Takes up a slot; models of the one before are closed. */
  async open({ data, ...setup }: Setup & { data: BacktestData }) {
    await scorer?.close();
    scorer = new Scorer(data, cacheOf(setup), (t0) => noiseSeed(data.slot, t0));
  },
  async usable({ starts, lookback_bars }: { starts: readonly number[]; lookback_bars: number }) {
    const { bars, competition } = current().data;
    return usableWindows(bars, starts, { history: lookback_bars, ...competition });
  },
  score: ({ ref, starts }: { ref: ModelRef; starts: readonly number[] }) => current().score(ref, starts),
  fan: ({ ref, t0 }: { ref: ModelRef; t0: number }) => current().fan(ref, t0),
  async pack(ref: ModelRef) {
    const { onnx, manifest } = await current().model(ref);
    return packArtifact(onnx, manifest);
  },
  /** Bars of a simulated market for whole days. */
  async simulate(o: { seed: string; asset: string; step_s: number; from_s: number; to_s: number }) {
    const series = simulatedBars(simulatedMarket(o.seed, o.asset), o.from_s, o.to_s);
    const { open_s, close } = series.find((one) => one.step_s === o.step_s)!.bars;
    return { asset: o.asset, step: o.step_s, open_s, close };
  },
  async close(_: undefined) {
    await scorer?.close();
    scorer = null;
  },
};
export type LabJobs = typeof jobs;

serveJobs(jobs);
