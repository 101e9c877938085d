// Who answers for a slot: its champion, then the one before, then the founding reference. A new champion is loaded and
// has come to the numbers of the gate that crowned it before it takes over, so a prompt never meets a slot without a model.

import type { Selectable } from 'kysely';
import { stateOf } from '../../blackboard/db.js';
import { debugPoint } from '../../blackboard/debug-point.js';
import { SwarmError } from '../../blackboard/errors.js';
import { assertAuthentic } from '../../blackboard/identity/authentic.js';
import type { DB } from '../../blackboard/schema.generated.js';
import type { MinerContext } from '../context.js';
import type { Canary } from './canary.js';
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
  readonly challenger_id: string | null;
}

const RETRY_MS = 60_000;
/** Former champions that are passed over in the search for one that serves. */
const MOST_PASSED = 4;
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
    readonly canary: Canary,
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
      const next = await this.#open(reigns);
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

  /** The models of reigns that can serve. Where the one before the champion cannot, the one before that is tried. */
  async #open(reigns: readonly Reign[]): Promise<Serving[]> {
    let left = reigns;
    for (let passed = 0; ; passed++) {
      const open: Serving[] = [];
      let failed: Reign | undefined;
      for (const one of lineup(left)) {
        const model = await this.#load(one);
        if (model !== null) open.push({ rank: one.rank, digest: one.artifact, reign: one.reign, model });
        else if (one.rank === 'previous') failed = one;
      }
      if (failed === undefined || passed === MOST_PASSED) return open;
      const { artifact } = failed;
      left = left.filter((r) => r.artifact !== artifact);
    }
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

  async #load(reign: Reign): Promise<LoadedModel | null> {
    const digest = reign.artifact;
    if ((this.#broken.get(digest) ?? 0) > Date.now()) return null;
    try {
      const bytes = await this.context.store.get(digest, AbortSignal.timeout(FETCH_MS));
      const model = await this.pool.load(digest, bytes);
      await this.#replay(reign, model);
      return model;
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

  /** Once for each model: what it was worth does not change. */
  async #replay(reign: Reign, model: LoadedModel): Promise<void> {
    if (this.#replayed.has(reign.artifact)) return;
    const windows = await this.canary.replay(reign, model);
    if (windows === 0 && reign.challenger_id !== null)
      await this.context.alert(
        'warning',
        'SWARM_W_CANARY',
        `${reign.slot}: nothing of reign ${reign.reign} could be replayed before ${reign.artifact.slice(0, 12)} serves`,
      );
    this.#replayed.add(reign.artifact);
  }

  readonly #replayed = new Set<string>();
  readonly #loaded = new Set<string>();

  async #dropUnused(): Promise<void> {
    const serving = [...this.#serving.values()];
    const used = new Set(serving.flatMap((s) => s.map((one) => one.digest)));
    const first = new Set(serving.map((s) => s[0]?.digest));
    for (const digest of this.#loaded) if (!used.has(digest)) await this.pool.drop(digest);
    this.#loaded.clear();
    for (const digest of used) {
      this.#loaded.add(digest);
      if (!first.has(digest)) await this.pool.rest(digest);
    }
  }
}

function groupBySlot(rows: readonly Reign[]): Map<string, Reign[]> {
  const groups = new Map<string, Reign[]>();
  for (const row of rows) groups.set(row.slot, [...(groups.get(row.slot) ?? []), row]);
  return groups;
}

/** Champion, the latest different one before it, and the founding reference; each model once. */
export function lineup(newestFirst: readonly Reign[]): (Reign & { readonly rank: Rank })[] {
  const champion = newestFirst[0]!;
  const previous = newestFirst.find((r) => r.artifact !== champion.artifact);
  const founding = newestFirst[newestFirst.length - 1]!;
  const ranked = [{ rank: 'champion' as Rank, ...champion }];
  if (previous !== undefined) ranked.push({ rank: 'previous', ...previous });
  if (!ranked.some((r) => r.artifact === founding.artifact)) ranked.push({ rank: 'reference', ...founding });
  return ranked;
}
