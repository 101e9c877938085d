// The reference miner on minutes: it answers for an asset of the subnet where no model of an open slot fits what is asked for.
// Promises: it is stored before it answers, so that any answer can be made again; between answers it has no process.
import { referenceArtifact } from '../../forecast/reference-artifact.js';
import type { MinerContext } from '../context.js';
import { promptBounds } from '../sn50/prompt.js';
import type { Serving } from './champions.js';
import type { ModelPool } from './pool.js';

export class MinuteReferences {
  readonly #made = new Map<string, Promise<Serving>>();

  constructor(
    readonly context: Pick<MinerContext, 'store' | 'clock'>,
    readonly pool: ModelPool,
  ) {}

  /** Throws SWARM_E_SPEC_INVALID for an asset that the reference miner does not know. */
  async of(asset: string): Promise<Serving> {
    const made = this.#made.get(asset) ?? this.#make(asset);
    this.#made.set(asset, made);
    try {
      return await made;
    } catch (error) {
      this.#made.delete(asset);
      throw error;
    }
  }

  async rest({ digest }: Serving): Promise<void> {
    await this.pool.rest(digest);
  }

  async #make(asset: string): Promise<Serving> {
    const { store, clock } = this.context;
    const bytes = referenceArtifact(asset, promptBounds.increment_s, clock.dataset_digest);
    const digest = await store.put(bytes);
    return { rank: 'reference', digest, reign: 0, model: await this.pool.load(digest, bytes) };
  }
}
