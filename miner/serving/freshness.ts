// How old the last bar may be: a market that closes is served from where it closed, a feed that broke is not.
// Promises: the ages are stated here and nowhere else, and each crossing of one is an alert, once in a while.
import { type AssetClass, assetClass } from '../../forecast/asset-class.js';
import { ForecastError } from '../../forecast/errors.js';
import type { MinerContext } from '../context.js';

const HOUR_S = 3600;

/** Older bars than this forecast nothing. A share or commodity rests from Friday to Tuesday where Monday is a holiday. */
export const OLDEST_S: Readonly<Record<AssetClass, number>> = {
  crypto: 6 * HOUR_S,
  commodity: 96 * HOUR_S,
  share: 96 * HOUR_S,
};
/** From this age on the price is stale, whoever's fault that is. */
const STALE_S = HOUR_S / 2;
/** One alert of a kind for an asset in so long (wall time). */
const QUIET_MS = HOUR_S * 1000;

export class Freshness {
  readonly #said = new Map<string, number>();

  constructor(readonly context: Pick<MinerContext, 'alert' | 'log'>) {}

  /** Throws SWARM_E_BARS_GAP, with an alert, where the last bar closed too long before `start_s`; warns of a stale one. */
  assertUsable(asset: string, start_s: number, until_s: number): void {
    const age_s = start_s - until_s;
    const oldest_s = OLDEST_S[assetClass(asset)];
    if (age_s <= STALE_S) return;
    const hours = (s: number): string => `${(s / HOUR_S).toFixed(1)} hours`;
    const what = `the last bar of ${asset} closed ${hours(age_s)} before the prompt's start`;
    if (age_s <= oldest_s) {
      this.#say(
        'warning',
        'SWARM_W_STALE_PRICE',
        asset,
        `${what}: it is served from that bar, up to ${hours(oldest_s)}`,
      );
      return;
    }
    this.#say('error', 'SWARM_E_BARS_GAP', asset, `${what}: prompts are refused`);
    throw new ForecastError(
      'SWARM_E_BARS_GAP',
      what,
      'The feed or the database is behind: nothing is forecast from bars this old.',
    );
  }

  #say(severity: 'warning' | 'error', code: string, asset: string, message: string): void {
    const key = `${code} ${asset}`;
    if (Date.now() - (this.#said.get(key) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return;
    this.#said.set(key, Date.now());
    this.context
      .alert(severity, code, message)
      .catch((error) => this.context.log.error({ err: error }, 'the alert could not be written'));
  }
}
