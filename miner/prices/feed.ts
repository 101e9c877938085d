// The feed: bars for markets that are not on file. A simulated market is written ahead of the clock, which hides it; a live
// one is asked of its sources, minute by minute.
import { SwarmError } from '../../blackboard/errors.js';
import { marketNow } from '../../blackboard/market.js';
import type { MinerContext, MinerProcess } from '../context.js';
import { simulatedMarket } from '../market/simulated.js';
import { parseSlot } from '../sn50/profile.js';
import { BarStore } from './live/bar-store.js';
import { LiveFeed } from './live/feed.js';
import { openSources } from './live/open.js';
import { writeAhead } from './simulated.js';

/** Market days that a simulated market is written ahead: enough to outlast a restart of the feed at replay speed. */
export const AHEAD_DAYS = 3;

export async function openFeed(context: MinerContext): Promise<MinerProcess> {
  if (context.clock.source === 'live') return openLiveFeed(context);
  if (context.clock.source !== 'simulated')
    throw new SwarmError(
      'SWARM_E_USAGE',
      `a ${context.clock.source} market has no feed process`,
      'Recorded bars are imported by `swarm up --bars DIR`.',
    );
  const assets = [...new Set(context.clock.slots.map((slot) => parseSlot(slot).asset))];
  const markets = assets.map((asset) => simulatedMarket(context.clock.seed, asset));
  return {
    async step() {
      return writeAhead(context.db, markets, (await marketNow(context.db)).getTime() / 1000, AHEAD_DAYS);
    },
    close: () => Promise.resolve(),
  };
}

function openLiveFeed(context: MinerContext): MinerProcess {
  const assets = [...new Set(context.clock.slots.map((slot) => parseSlot(slot).asset))];
  const sources = openSources(context, context.profile, assets, process.env);
  const feed = new LiveFeed(context, {
    assets: assets.map((asset) => ({ asset, sources: sources.of(asset) })),
    store: new BarStore(context.db),
    now_s: () => Date.now() / 1000,
  });
  return {
    step: () => feed.step(),
    async close() {
      sources.close();
    },
  };
}
