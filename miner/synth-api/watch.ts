// Watching the field: every slot's latest public scores, matched to the prompt that this miner answered, as rows, and as an
// alert when a slot stays behind.
// Promises: it never disturbs the serving; an API that is away is asked again at the next round, and a slot that it does
// not know costs the others nothing. Leaves to others: what a model is worth (validators' outcomes decide that).
import { pause } from '../../blackboard/events/doorbell.js';
import type { MinerContext } from '../context.js';
import { findCompetition, parseSlot } from '../sn50/profile.js';
import { SynthApi } from './client.js';
import { type FieldStanding, Lag, standingOf } from './standing.js';

/** A prompt of the one-hour competitions is scored every ten minutes per asset. */
const EVERY_MS = 600_000;
const REMEMBERED_MS = 6 * 3_600_000;

export interface FieldWatch {
  close(): Promise<void>;
}

/** `uid`: our own, null while the chain does not know us. */
export function watchField(context: MinerContext, base: string, uid: () => number | null): FieldWatch {
  const stop = new AbortController();
  const field = new Field(context, base, stop.signal);
  const running = (async () => {
    while (!stop.signal.aborted) {
      const own = uid();
      if (own !== null) await field.look(own);
      await pause(EVERY_MS, stop.signal);
    }
  })().catch((error) => context.log.error({ err: error }, 'the field is watched no more'));
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}

export class Field {
  readonly #api: SynthApi;
  readonly #lags = new Map<string, Lag>();

  constructor(
    readonly context: MinerContext,
    base: string,
    readonly signal: AbortSignal,
  ) {
    this.#api = new SynthApi(base, {
      now: Date.now,
      sleep: pause,
      random: Math.random,
      signal,
      notice: (text) => context.log.info(text),
    });
  }

  /** One round over every slot. */
  async look(uid: number): Promise<void> {
    for (const slot of this.context.clock.slots) {
      if (this.signal.aborted) return;
      try {
        await this.#slot(slot, uid);
      } catch (error) {
        const { code, message } = error as { code?: string; message: string };
        if (!this.signal.aborted) this.context.log.warn({ slot, code }, message);
      }
    }
  }

  async #slot(slot: string, uid: number): Promise<void> {
    const { competition, asset } = parseSlot(slot);
    const { length_s, increment_s } = findCompetition(this.context.profile, competition);
    const standing = standingOf(await this.#api.latest({ asset, length_s, increment_s }), uid);
    if (standing === null) return;
    const lag = await this.#lagOf(slot, uid);
    await this.#record(slot, uid, length_s, standing);
    const said = lag.add(standing);
    if (said !== null)
      await this.context.alert(
        lag.isBehind ? 'warning' : 'info',
        lag.isBehind ? 'SWARM_W_BEHIND_FIELD' : 'SWARM_I_CAUGHT_UP',
        said,
      );
  }

  async #record(slot: string, uid: number, length_s: number, standing: FieldStanding): Promise<void> {
    const { db } = this.context;
    const prompt = await db
      .selectFrom('board.prompt as p')
      .innerJoin('board.answer as a', 'a.prompt_id', 'p.id')
      .select('p.id')
      .where('p.slot', '=', slot)
      .where('p.start_at', '=', new Date(standing.scored_at.getTime() - length_s * 1000))
      .where('a.status', '=', 'answered')
      .orderBy('p.id')
      .limit(1)
      .executeTakeFirst();
    await db
      .insertInto('board.field_score')
      .values({ ...this.context.stamp(), slot, uid, prompt_id: prompt?.id ?? null, ...standing })
      .onConflict((row) => row.columns(['slot', 'scored_at', 'uid']).doNothing())
      .execute();
  }

  /** The slot's last hours, from the rows of an earlier life. */
  async #lagOf(slot: string, uid: number): Promise<Lag> {
    const known = this.#lags.get(slot);
    if (known !== undefined) return known;
    const lag = new Lag(slot);
    const rows = await this.context.db
      .selectFrom('board.field_score')
      .select(['scored_at', 'crps', 'median_crps'])
      .where('slot', '=', slot)
      .where('uid', '=', uid)
      .where('scored_at', '>', new Date(Date.now() - REMEMBERED_MS))
      .orderBy('scored_at')
      .execute();
    for (const row of rows) lag.add(row);
    this.#lags.set(slot, lag);
    return lag;
  }
}
