// The miner: serves each slot's champion over HTTP and, with a hotkey, over the signed wire protocol, swaps models when a promotion rings, records every answer.

import { pause } from '../../blackboard/events/doorbell.js';
import { BarReader } from '../../blackboard/market.js';
import { offload } from '../../forecast/offload.js';
import type { MinerContext, MinerProcess } from '../context.js';
import { Answering } from './answers.js';
import { Champions } from './champions.js';
import { listen } from './http.js';
import { Ledger } from './ledger.js';
import { openWire, type WireOptions } from './wire.js';
import type { ServingJobs } from './worker.js';

/** `wire`: also speak the signed protocol, on a port of its own. */
export async function openMiner(
  context: MinerContext,
  port: number,
  wire?: WireOptions,
): Promise<MinerProcess> {
  const thread = offload<ServingJobs>(new URL('./worker.js', import.meta.url));
  const champions = new Champions(context, thread);
  const recent_s = context.clock.market_now.getTime() / 1000 - HISTORY_DAYS * 86_400;
  const bars = new BarReader(context.db, recent_s);
  const ledger = new Ledger(context);
  // A miner that listens answers: it waits until every slot has its founding model.
  while (!context.stopping.aborted) {
    await champions.refresh();
    if (context.clock.slots.every((slot) => champions.of(slot).length > 0)) break;
    await pause(FOUNDING_MS, context.stopping);
  }
  const answering = new Answering(context, champions, thread, bars);
  const server = await listen({ context, answering, ledger }, port).catch(async (error) => {
    await thread.close();
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
          await thread.close();
          throw error;
        });
  return {
    step: () => champions.refresh(),
    async close() {
      await Promise.all([shut(), axon?.close()]);
      await ledger.flush();
      await thread.close();
    },
  };
}

const FOUNDING_MS = 300;
/** Longer than the longest history that any model reads. */
const HISTORY_DAYS = 40;
