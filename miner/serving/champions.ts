// Who answers for a slot: its champion, then the one before, then the founding reference. A new champion is loaded and
// has answered a canary before it takes over, so a prompt never meets a slot without a model.

import type { Selectable } from 'kysely';
import { stateOf } from '../../blackboard/db.js';
import { debugPoint } from '../../blackboard/debug-point.js';
import { SwarmError } from '../../blackboard/errors.js';
import { assertAuthentic } from '../../blackboard/identity/authentic.js';
import type { DB } from '../../blackboard/schema.generated.js';
import type { MinerContext } from '../context.js';
import type { LoadedModel } from './jobs.js';
import type { ModelPool } from './pool.js';

export type Rank = 'champion' | 'previous' | 'reference';

export interface Serving {
  readonly rank: Rank;
  readonly digest: string;
  readonly reign: number;
  readonly model: LoadedModel;
}

interface Reign {
  readonly slot: string;
  readonly reign: number;
  readonly artifact: string;
}

const RETRY_MS = 60_000;
/** What one model's bytes may take: a store that is away must not hold up the slots whose models are at hand. */
const FETCH_MS = 15_000;

export class Champions {
  #serving = new Map<string, readonly Serving[]>();
  /** Models that could not be opened, and when (ms) to try again: a crowded machine must not end a reign. */
  readonly #broken = new Map<string, number>();
  /** Promotions by id: whether their publisher signed them. */
  readonly #signed = new Map<string, boolean>();

  constructor(
    readonly context: MinerContext,
    readonly pool: ModelPool,
  ) {}

  /** Models for a slot, best first. */
  of(slot: string): readonly Serving[] {
    return this.#serving.get(slot) ?? [];
  }

  /** Reads the reigns and swaps what changed; true when something did. */
  async refresh(): Promise<boolean> {
    const rows = await this.context.db
      .selectFrom('board.promotion')
      .selectAll()
      .orderBy('slot')
      .orderBy('reign', 'desc')
      .execute();
    const signed: Reign[] = [];
    for (const row of rows) if (await this.#isSigned(row)) signed.push(row);
    const bySlot = groupBySlot(signed);
    let changed = false;
    for (const [slot, reigns] of bySlot) {
      const wanted = lineup(reigns);
      const now = this.of(slot);
      if (
        now.length === wanted.length &&
        wanted.every((w, i) => now[i]!.digest === w.artifact && now[i]!.rank === w.rank)
      )
        continue;
      const next: Serving[] = [];
      for (const one of wanted) {
        const model = await this.#load(one.artifact);
        if (model !== null) next.push({ rank: one.rank, digest: one.artifact, reign: one.reign, model });
      }
      const same =
        next.length === now.length &&
        next.every((n, i) => n.digest === now[i]!.digest && n.rank === now[i]!.rank);
      if (same) continue;
      await debugPoint('champion.loaded');
      this.#serving.set(slot, next);
      changed = true;
      this.context.log.info(
        { slot, serving: next.map((s) => `${s.rank} ${s.model.family} ${s.digest.slice(0, 12)}`) },
        'serving',
      );
    }
    if (changed) await this.#dropUnused();
    return changed;
  }

  /** Whether a reign's publisher signed for it; asked once of each. One that nobody signed is never served. */
  async #isSigned(row: Selectable<DB['board.promotion']>): Promise<boolean> {
    const known = this.#signed.get(row.id);
    if (known !== undefined) return known;
    let isSigned = true;
    try {
      await assertAuthentic(this.context.db, 'promotion', row);
    } catch (error) {
      if (!(error instanceof SwarmError)) throw error;
      isSigned = false;
      await this.context.alert(
        'error',
        error.code,
        `${row.slot} reign ${row.reign} is not served: ${error.message}`,
      );
    }
    this.#signed.set(row.id, isSigned);
    return isSigned;
  }

  async #load(digest: string): Promise<LoadedModel | null> {
    if ((this.#broken.get(digest) ?? 0) > Date.now()) return null;
    try {
      const bytes = await this.context.store.get(digest, AbortSignal.timeout(FETCH_MS));
      return await this.pool.load(digest, bytes);
    } catch (error) {
      const { name, message } = error as Error;
      const code = name === 'TimeoutError' ? 'SWARM_E_STORE_UNREACHABLE' : stateOf(error);
      this.#broken.set(digest, Date.now() + RETRY_MS);
      await this.context.alert(
        'error',
        code ?? 'SWARM_E_MODEL_FAILED',
        `model ${digest.slice(0, 12)} cannot serve: ${message}`,
      );
      return null;
    }
  }

  readonly #loaded = new Set<string>();

  async #dropUnused(): Promise<void> {
    const used = new Set([...this.#serving.values()].flatMap((s) => s.map((one) => one.digest)));
    for (const digest of this.#loaded) if (!used.has(digest)) await this.pool.drop(digest);
    this.#loaded.clear();
    for (const digest of used) this.#loaded.add(digest);
  }
}

function groupBySlot(rows: readonly Reign[]): Map<string, Reign[]> {
  const groups = new Map<string, Reign[]>();
  for (const row of rows) groups.set(row.slot, [...(groups.get(row.slot) ?? []), row]);
  return groups;
}

/** Champion, the latest different one before it, and the founding reference; each model once. */
export function lineup(newestFirst: readonly Reign[]): { rank: Rank; artifact: string; reign: number }[] {
  const champion = newestFirst[0]!;
  const previous = newestFirst.find((r) => r.artifact !== champion.artifact);
  const founding = newestFirst[newestFirst.length - 1]!;
  const ranked = [{ rank: 'champion' as Rank, ...champion }];
  if (previous !== undefined) ranked.push({ rank: 'previous', ...previous });
  if (!ranked.some((r) => r.artifact === founding.artifact)) ranked.push({ rank: 'reference', ...founding });
  return ranked.map(({ rank, artifact, reign }) => ({ rank, artifact, reign }));
}
