// The reference miner on minutes: it answers for an asset of the subnet where no model of an open slot fits what is asked for.
// Promises: it is stored before it answers, so that any answer can be made again; between answers it has no process.
import { referenceArtifact } from '../../forecast/reference-artifact.js';
import type { MinerContext } from '../context.js';
import { promptBounds } from '../sn50/prompt.js';
import type { Serving } from './champions.js';
import type { ModelPool } from './pool.js';

export class MinuteReferences {
  readonly #made = new Map<string, Promise<Serving>>();
  readonly #users = new Map<string, number>();

  constructor(
    readonly context: Pick<MinerContext, 'store' | 'clock'>,
    readonly pool: Pick<ModelPool, 'load' | 'rest'>,
  ) {}

  /** `act` with the asset's reference, which rests when the last one that uses it ends. Throws SWARM_E_SPEC_INVALID for an unknown asset. */
  async use<T>(asset: string, act: (reference: Serving) => Promise<T>): Promise<T> {
    this.#users.set(asset, this.#usersOf(asset) + 1);
    const made = this.#made.get(asset) ?? this.#make(asset);
    this.#made.set(asset, made);
    try {
      return await act(await made);
    } finally {
      this.#users.set(asset, this.#usersOf(asset) - 1);
      if (this.#usersOf(asset) === 0) await this.#end(asset, made);
    }
  }

  #usersOf(asset: string): number {
    return this.#users.get(asset) ?? 0;
  }

  async #end(asset: string, made: Promise<Serving>): Promise<void> {
    const reference = await made.catch(() => null);
    // What failed is made again for the next one.
    if (reference === null) this.#made.delete(asset);
    else await this.pool.rest(reference.digest);
  }

  async #make(asset: string): Promise<Serving> {
    const { store, clock } = this.context;
    const bytes = referenceArtifact(asset, promptBounds.increment_s, clock.dataset_digest);
    const digest = await store.put(bytes);
    return { rank: 'reference', digest, reign: 0, model: await this.pool.load(digest, bytes) };
  }
}
