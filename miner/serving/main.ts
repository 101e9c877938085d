// The miner: serves each slot's champion over HTTP and, with a hotkey, over the signed wire protocol, swaps models when a promotion rings, records every answer.

import { pause } from '../../blackboard/events/doorbell.js';
import { BarReader } from '../../blackboard/market.js';
import { offload } from '../../forecast/offload.js';
import type { MinerContext, MinerProcess } from '../context.js';
import type { ValidatorJobs } from '../validator/worker.js';
import { keepAhead } from './ahead.js';
import { Answering } from './answers.js';
import { Canary } from './canary.js';
import { Champions } from './champions.js';
import { Forecasts } from './forecasts.js';
import { listen } from './http.js';
import { Knowledge } from './known.js';
import { Ledger } from './ledger.js';
import { MinuteReferences } from './minutes.js';
import { LEAD_BARS, OwnScores } from './own-scores.js';
import { ModelPool } from './pool.js';
import { openWire, type WireOptions } from './wire.js';
import type { WritingJobs } from './writer.js';

/**
 * `wire`: also speak the signed protocol, on a port of its own. Then forecasts are made ahead of their prompts; for the
 * loopback alone they are not, since a fast replay has a use for its cores.
 */
export async function openMiner(
  context: MinerContext,
  port: number,
  wire?: WireOptions,
): Promise<MinerProcess> {
  const pool = new ModelPool();
  const writer = offload<WritingJobs>(new URL('./writer.js', import.meta.url));
  const end = () => Promise.all([pool.close(), writer.close()]);
  const champions = new Champions(context, pool, new Canary(context, pool));
  const ledger = new Ledger(context, wire?.unrecorded);
  // A miner that listens answers: it waits until every slot has its founding model.
  while (!context.stopping.aborted) {
    await champions.refresh();
    if (context.clock.slots.every((slot) => champions.of(slot).length > 0)) break;
    await pause(FOUNDING_MS, context.stopping);
  }
  const answering = new Answering(
    context,
    champions,
    new Forecasts(pool, wire !== undefined),
    writer,
    new Knowledge(context, recentBars(context)),
    new MinuteReferences(context, pool),
  );
  const server = await listen({ context, answering, ledger }, port).catch(async (error) => {
    await end();
    throw error;
  });
  context.log.info({ port }, 'listening');
  const shut = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  const axon =
    wire === undefined
      ? null
      : await openWire({ context, answering, ledger }, wire).catch(async (error) => {
          await shut();
          await end();
          throw error;
        });
  const closing = new AbortController();
  const ahead = axon === null ? undefined : keepAhead(context, answering, closing.signal);
  // Elsewhere a local validator scores.
  const own =
    context.clock.source === 'live'
      ? new OwnScores(context, offload<ValidatorJobs>(new URL('../validator/worker.js', import.meta.url)))
      : null;
  return {
    async step() {
      const swapped = await champions.refresh();
      return (await own?.step()) || swapped;
    },
    async close() {
      closing.abort();
      await Promise.all([shut(), axon?.close(), ahead]);
      await own?.thread.close();
      await ledger.close();
      await end();
    },
  };
}

const FOUNDING_MS = 300;
/** As far back as any model may read. */
const recentBars = ({ db, clock }: MinerContext): BarReader =>
  new BarReader(db, { now_s: clock.market_now.getTime() / 1000, steps: LEAD_BARS });
