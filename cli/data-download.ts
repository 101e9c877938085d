// `swarm data download`: bars from a public source into bar files that `swarm data import` and `swarm up --bars` read.
// Promises: progress on stderr, one JSON line on stdout, Ctrl-C leaves what the same command goes on from.
// Leaves to others: the sources, the files.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { SwarmError } from '../blackboard/errors.js';
import { type Downloaded, downloadSeries, type Watch } from '../miner/prices/download/series.js';
import { defaultSymbol, openSource } from '../miner/prices/sources/open.js';
import { type SourceName, STEPS } from '../miner/prices/sources/source.js';

const INTERRUPTED = 130;
const PLAIN_EVERY_MS = 5_000;

export interface DownloadOptions {
  source: SourceName;
  assets: string[];
  step: keyof typeof STEPS;
  from: Date;
  to?: Date;
  out: string;
  baseUrl?: string;
  symbol?: string;
  profile: string;
}

/** Returns the exit code. */
export async function downloadCommand(o: DownloadOptions): Promise<number> {
  const wanted = seriesOf(o);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  const line = progressLine(process.stderr);
  const watch: Watch = { signal: stop.signal, now: Date.now, progress: line.progress, notice: line.say };
  const token = process.env['SWARM_PYTH_TOKEN'];
  const source = openSource(
    o.source,
    {
      ...watch,
      random: Math.random,
      sleep: async (ms, signal) => void (await delay(ms, undefined, { signal })),
    },
    {
      ...(o.baseUrl === undefined ? {} : { base_url: baseUrl(o.baseUrl) }),
      ...(token === undefined || o.source !== 'pyth' ? {} : { token }),
    },
  );
  const series: Downloaded[] = [];
  try {
    for (const want of wanted) {
      const done = await downloadSeries(source, want, watch);
      series.push(done);
      line.say(
        `${done.file}: ${done.rows} bars, ${done.added} new, ${done.first} to ${done.last}, ${done.gaps} gaps`,
      );
    }
  } catch (error) {
    line.end();
    if (!stop.signal.aborted) throw error;
    process.stderr.write('interrupted; what is fetched is kept, and the same command goes on from there\n');
    return INTERRUPTED;
  }
  line.end();
  const summary = `${JSON.stringify({ source: o.source, step_s: STEPS[o.step], out: o.out, series })}\n`;
  if (!process.stdout.write(summary)) await once(process.stdout, 'drain');
  return 0;
}

function seriesOf(o: DownloadOptions) {
  if (o.symbol !== undefined && o.assets.length !== 1)
    throw usage(
      '--symbol names the symbol of one asset',
      'Download that asset alone: --assets BTC --symbol BTCUSDC',
    );
  const bad = o.assets.find((asset) => !/^[A-Z0-9]{1,16}$/.test(asset));
  if (bad !== undefined || o.assets.length === 0)
    throw usage(`${bad ?? 'nothing'} is no asset name`, 'Name assets like BTC,ETH: capitals and digits.');
  return [...new Set(o.assets)].map((asset) => ({
    directory: o.out,
    asset,
    symbol: o.symbol ?? defaultSymbol(o.source, asset, o.profile),
    step_s: STEPS[o.step],
    from_s: o.from.getTime() / 1000,
    to_s: (o.to ?? new Date()).getTime() / 1000,
  }));
}

function baseUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw usage(`${text} is no http address`, 'Name one such as https://data-api.binance.vision');
}

const usage = (message: string, hint: string): SwarmError => new SwarmError('SWARM_E_USAGE', message, hint);

/** A line that rewrites itself on a terminal; elsewhere a plain line every few seconds. */
function progressLine(out: NodeJS.WriteStream) {
  let open = false;
  let said_ms = 0;
  const end = (): void => {
    if (open) out.write('\r\x1b[K');
    open = false;
  };
  return {
    end,
    say: (text: string): void => {
      end();
      out.write(`${text}\n`);
    },
    progress: (p: Parameters<Watch['progress']>[0]): void => {
      const day = new Date(p.at_s * 1000).toISOString().slice(0, 16);
      const text = `${p.asset}: ${p.done} of ${p.of} stretches, to ${day}Z, ${p.done - p.fetched} were there`;
      if (out.isTTY) {
        out.write(`\r\x1b[K${text}`);
        open = true;
      } else if (Date.now() - said_ms >= PLAIN_EVERY_MS) {
        said_ms = Date.now();
        out.write(`${text}\n`);
      }
    },
  };
}
