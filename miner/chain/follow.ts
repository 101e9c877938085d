// Following the chain for as long as the process lives: a look every few minutes, over a list of endpoints, and between
// looks and through every outage the last good metagraph, from memory or from disk.
// Promises: it never gives up and never stops the miner; waits grow and are jittered, so that miners that lost an
// endpoint together do not return together; a metagraph beyond its age is nobody's permission any more; a head that goes
// back is not followed. Leaves to others: what follows from being a member (axon/policy.ts), and announcing (announce.ts).
import type { Logger } from 'pino';
import { pause } from '../../blackboard/events/doorbell.js';
import type { Member, Members } from '../axon/policy.js';
import { type Chain, openChain } from './client.js';
import { malformed } from './failure.js';
import { type Metagraph, readMetagraph } from './metagraph.js';
import type { Network } from './network.js';
import { readSnapshot, writeSnapshot } from './snapshot.js';
import { SOCKET_LIMITS, type SocketLimits } from './socket.js';

export interface FollowOptions {
  readonly network: Network;
  /** Where the last good metagraph is kept. */
  readonly file: string;
  /** Beyond this age, by the chain's own clock, nobody is a member. */
  readonly max_age_s: number;
  readonly every_s?: number;
  readonly limits?: SocketLimits;
  readonly log: Logger;
  readonly now_ms?: () => number;
  readonly random?: () => number;
  alert(severity: 'info' | 'warning', code: string, message: string): Promise<void>;
  /** After every good look, on the connection that it was made on. */
  looked?(chain: Chain, metagraph: Metagraph): Promise<void>;
}

/** Every five minutes: a validator that registers or gains its permit waits no longer, and an endpoint is not pressed. */
const EVERY_S = 300;
/** A head older than this is an endpoint that has lost its peers: the next one is asked. */
const LAGS_S = 900;
const BACKOFF_MS = { first: 1000, last: 60_000 } as const;

export class Follower {
  #metagraph: Metagraph | null = null;
  #members = new Map<string, Member>();
  #genesis: string | null;
  #stale = false;
  readonly #now_ms: () => number;

  constructor(readonly options: FollowOptions) {
    const { network, file } = options;
    this.#now_ms = options.now_ms ?? Date.now;
    const kept = readSnapshot(file, network.netuid, network.genesis);
    this.#genesis = network.genesis ?? kept?.genesis ?? null;
    if (kept !== null) this.#take(kept.metagraph);
  }

  /** The last good metagraph, whatever its age. */
  get metagraph(): Metagraph | null {
    return this.#metagraph;
  }

  /** Seconds since the block of the last good metagraph; NaN, which no limit admits, without one. */
  get age_s(): number {
    if (this.#metagraph === null) return Number.NaN;
    return (this.#now_ms() - Date.parse(this.#metagraph.at)) / 1000;
  }

  get usable(): boolean {
    return this.age_s <= this.options.max_age_s;
  }

  readonly members: Members = (hotkey) => (this.usable ? this.#members.get(hotkey) : undefined);

  /** Follows until the signal; resolves then, and never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { network, log } = this.options;
    for (let endpoint = 0, failures = 0; !signal.aborted; ) {
      const url = network.endpoints[endpoint % network.endpoints.length]!;
      let chain: Chain | null = null;
      const leave = (): void => chain?.close();
      signal.addEventListener('abort', leave, { once: true });
      try {
        chain = await openChain(url, this.#genesis, this.options.limits ?? SOCKET_LIMITS);
        while (!signal.aborted) {
          await this.#look(chain);
          failures = 0;
          await Promise.race([
            this.#pause(signal),
            chain.socket.ended.then((error) => Promise.reject(error)),
          ]);
        }
      } catch (error) {
        if (signal.aborted) break;
        const { code, message } = error as { code?: string; message: string };
        log.warn({ code, endpoint: url, block: this.#metagraph?.block }, message);
        endpoint += 1;
        failures += 1;
        await this.#judgeAge();
        await pause(this.#backoff(failures), signal);
      } finally {
        signal.removeEventListener('abort', leave);
        leave();
      }
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await pause((this.options.every_s ?? EVERY_S) * 1000, signal);
  }

  async #look(chain: Chain): Promise<void> {
    const { network, file, log, looked } = this.options;
    const metagraph = await readMetagraph(chain, network.netuid);
    if (this.#metagraph !== null && metagraph.block < this.#metagraph.block)
      throw malformed(
        chain.endpoint,
        `its head is block ${metagraph.block}, and block ${this.#metagraph.block} was seen already`,
      );
    this.#genesis = chain.genesis;
    this.#take(metagraph);
    try {
      writeSnapshot(file, { genesis: chain.genesis, metagraph });
    } catch (error) {
      log.error({ err: error }, 'the metagraph could not be kept on disk');
    }
    const validators = metagraph.neurons.filter(({ permit }) => permit).length;
    const { block, runtime } = metagraph;
    log.info({ block, runtime, neurons: metagraph.neurons.length, validators }, 'the chain was read');
    await this.#judgeAge();
    await looked?.(chain, metagraph);
    if (this.age_s > LAGS_S)
      throw malformed(chain.endpoint, `its head is ${Math.round(this.age_s / 60)} minutes old`);
  }

  #take(metagraph: Metagraph): void {
    this.#metagraph = metagraph;
    this.#members = new Map(
      metagraph.neurons.map(({ hotkey, stake, permit }) => [hotkey, { stake, permit }]),
    );
  }

  /** Says once when the metagraph grows too old, and once when it is good again. */
  async #judgeAge(): Promise<void> {
    const stale = !this.usable;
    if (stale === this.#stale) return;
    this.#stale = stale;
    const age = Number.isFinite(this.age_s) ? `${Math.round(this.age_s / 60)} minutes old` : 'not there yet';
    await this.options
      .alert(
        stale ? 'warning' : 'info',
        stale ? 'SWARM_W_CHAIN_STALE' : 'SWARM_I_CHAIN_FRESH',
        stale
          ? `the metagraph is ${age}: only the allow-list may ask until an endpoint answers`
          : `the metagraph of block ${this.#metagraph!.block} is in force`,
      )
      .catch((error) => this.options.log.error({ err: error }, 'an alert could not be written'));
  }

  /** Full jitter over the upper half. */
  #backoff(failures: number): number {
    const random = (this.options.random ?? Math.random)();
    return Math.min(BACKOFF_MS.last, BACKOFF_MS.first * 2 ** (failures - 1)) * (0.5 + random / 2);
  }
}
