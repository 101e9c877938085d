// What the skill bench measures: per slot its bars, its test span, its windows and the recipe that is fitted.
import type { HarSeasonMixSpec } from '../../../forecast/families/har-season-mix-spec.js';
import { families } from '../../../forecast/families/index.js';

const DAY_S = 86_400;
const HOUR_S = 3600;

export interface SkillSlot {
  readonly competition: '24h' | '1h';
  readonly asset: string;
  /** File of the bars, and the name under which the reference miner knows the asset. */
  readonly bars: string;
  readonly reference: string;
  readonly step_s: number;
  /** Test span, and how often models are fitted again inside it. */
  readonly from: string;
  readonly to: string;
  readonly refit_days: number;
  /** Starts are this far apart, from the span's begin on; disjoint: at least the horizon. */
  readonly stride_s: number;
  readonly first_s: number;
  readonly spec: HarSeasonMixSpec;
  /** Bar series whose windows the fit shares. */
  readonly peers: readonly string[];
  /** Gains over B3 and B1, per cent, that the design asks for. */
  readonly must?: readonly [number, number];
}

const recipe = (horizon_s: number, asset = 'BTC'): HarSeasonMixSpec =>
  families.har_season_mix.start(asset, horizon_s) as HarSeasonMixSpec;

const CRYPTO = ['BTC', 'ETH', 'SOL', 'XRP'];

function day(asset: string, must: readonly [number, number], pooled = false): SkillSlot {
  return {
    competition: '24h',
    asset,
    bars: `${asset}_5m`,
    reference: asset,
    step_s: 300,
    from: '2025-04-01',
    to: '2025-10-01',
    refit_days: 30,
    // 25 hours: disjoint, and every hour of the day begins some windows.
    stride_s: 25 * HOUR_S,
    first_s: 0,
    spec: { ...recipe(DAY_S), weights: pooled ? 'pooled' : 'own' },
    peers: pooled ? CRYPTO.filter((a) => a !== asset).map((a) => `${a}_5m`) : [],
    must,
  };
}

function hour(asset: string, must?: readonly [number, number]): SkillSlot {
  return {
    competition: '1h',
    asset,
    bars: `${asset}_1m`,
    reference: asset,
    step_s: 60,
    from: '2025-03-01',
    to: '2025-04-01',
    refit_days: 31,
    stride_s: HOUR_S,
    first_s: 0,
    spec: recipe(HOUR_S),
    peers: [],
    ...(must === undefined ? {} : { must }),
  };
}

/** Markets that close: one start a day, in their session. */
function closing(
  o: Pick<SkillSlot, 'asset' | 'bars' | 'reference' | 'step_s' | 'from' | 'to' | 'first_s'>,
  peers: readonly string[] = [],
): SkillSlot {
  return {
    competition: '24h',
    refit_days: 30,
    stride_s: DAY_S,
    peers,
    ...o,
    spec: { ...recipe(DAY_S, o.reference), weights: peers.length === 0 ? 'own' : 'pooled' },
  };
}

const EQUITIES = ['AAPL', 'TSLA', 'NVDA', 'GOOG', 'SPY'];
const equity = (asset: string): SkillSlot =>
  closing(
    {
      asset,
      bars: `${asset}_5m`,
      reference: asset === 'GOOG' ? 'GOOGLX' : `${asset}X`,
      step_s: 300,
      from: '2025-08-01',
      to: '2026-01-01',
      first_s: 15 * HOUR_S,
    },
    EQUITIES.filter((a) => a !== asset).map((a) => `${a}_5m`),
  );

export const skillSlots: readonly SkillSlot[] = [
  day('BTC', [2.1, 8.0]),
  day('ETH', [1.7, 5.1]),
  day('SOL', [1.5, 3.7]),
  day('XRP', [2.2, 7.3]),
  day('HYPE', [0.5, 1.4], true),
  hour('BTC', [0.8, 9.5]),
  hour('ETH', [0.7, 3.6]),
  hour('SOL', [0.6, 3.1]),
  hour('XRP'),
  closing({
    asset: 'XAU',
    bars: 'XAU_5m',
    reference: 'XAU',
    step_s: 300,
    from: '2025-10-01',
    to: '2026-01-31',
    first_s: 13 * HOUR_S,
  }),
  closing({
    asset: 'WTI',
    bars: 'WTI_15m',
    reference: 'WTIOIL',
    step_s: 900,
    from: '2025-04-01',
    to: '2026-01-01',
    first_s: 13 * HOUR_S,
  }),
  ...EQUITIES.map(equity),
];
