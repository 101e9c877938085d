// The publisher of a simulated fleet: it lets screened models challenge, scores them on the day's windows beside the champion, and
// promotes and rolls back when the gate says so.
import type pg from 'pg';
import { alphaShare } from '../../../agents/publisher/admit.js';
import { uuid7 } from '../../../blackboard/ids.js';
import type { Constants } from '../../../trust/constants.js';
import { boundedSteps, type Measured } from '../../../trust/gate-step.js';
import { dayAt, insertRows, signature } from './records.js';
import type { Model, World } from './world.js';

const LIVE_WINDOWS = 24;

export class Publishing {
  readonly #client: pg.Client;
  readonly #world: World;
  readonly #publisher: string;
  readonly #constant: Constants;
  readonly #held: (slot: string) => object;
  readonly #model: (artifact: string) => Model;
  readonly #admitted = new Map<string, number>();

  constructor(
    client: pg.Client,
    world: World,
    by: {
      readonly publisher: string;
      readonly constant: Constants;
      readonly held: (slot: string) => object;
      readonly model: (artifact: string) => Model;
    },
  ) {
    this.#client = client;
    this.#world = world;
    this.#publisher = by.publisher;
    this.#constant = by.constant;
    this.#held = by.held;
    this.#model = by.model;
  }

  /** Largest true gain among the models of a slot that challenged. */
  admitted(slot: string): number {
    return this.#admitted.get(slot) ?? 0;
  }

  /** What the publisher does with a slot in a day. */
  async day(slot: string, day: number, champion: Model): Promise<void> {
    const own = { agent_id: this.#publisher, ...this.#held(slot) };
    await this.#admit(slot, own);
    const prompts = Array.from({ length: LIVE_WINDOWS }, () => uuid7());
    await insertRows(
      this.#client,
      'board.prompt',
      prompts.map((id, hour) => ({
        id,
        agent_id: this.#publisher,
        validator: 'v',
        slot,
        competition: 'c',
        asset: slot,
        start_at: dayAt(day, hour),
        length_s: 3600,
        increment_s: 60,
        num_simulations: 1000,
      })),
    );
    const { rows: open } = await this.#client.query<{
      challenger_id: string;
      artifact: string;
      scale: number;
      sd: number;
    }>(
      `select challenger_id, artifact, scale, sd from trust.gate where slot = $1 and stage in ('shadow', 'passed')`,
      [slot],
    );
    for (const c of open) {
      const { rows: before } = await this.#client.query<Measured>(
        'select champion_crps, challenger_crps from board.gate_step where challenger_id = $1 order by start_at',
        [c.challenger_id],
      );
      const windows = prompts.map((_, hour) => ({
        champion_crps: 1,
        challenger_crps: 1 - this.#world.live(this.#model(c.artifact), champion, day, hour),
      }));
      const fixed = { ...c, clip_sd: this.#constant('clip_sd') };
      const xs = boundedSteps([...before, ...windows], fixed).slice(before.length);
      await insertRows(
        this.#client,
        'board.gate_step',
        windows.map((window, hour) => ({
          id: uuid7(),
          ...own,
          ...window,
          challenger_id: c.challenger_id,
          prompt_id: prompts[hour],
          start_at: dayAt(day, hour),
          x: xs[hour],
          seed: 's',
        })),
      );
    }
    await this.#promote(slot, own);
  }

  async #admit(slot: string, own: object): Promise<void> {
    const { rows } = await this.#client.query(
      `select s.*, (select count(*) from board.challenger c where c.slot = s.slot and c.reign = s.reign and c.kind = 'challenge') as before
       from trust.screen s where s.slot = $1 and s.passed
         and not exists (select from board.challenger c where c.slot = s.slot and c.reign = s.reign and c.artifact = s.artifact)
         and (select count(*) from trust.gate g where g.slot = s.slot and g.kind = 'challenge' and g.stage in ('shadow', 'passed')) < $2
       order by s.screen_t desc, s.artifact limit 1`,
      [slot, this.#constant('concurrent_challengers')],
    );
    const best = rows[0];
    if (best === undefined) return;
    this.#admitted.set(slot, Math.max(this.admitted(slot), this.#model(best.artifact).gain));
    const k = Number(best.before) + 1;
    await insertRows(this.#client, 'board.challenger', [
      {
        id: uuid7(),
        ...own,
        kind: 'challenge',
        slot,
        reign: best.reign,
        k,
        claim_id: best.claim_id,
        artifact: best.artifact,
        trials: Number(best.trials),
        screen_t: best.screen_t,
        screen_threshold: best.screen_threshold,
        scale: best.scale,
        sd: best.sd,
        alpha: alphaShare(this.#constant('gate_alpha'), k),
      },
    ]);
  }

  async #promote(slot: string, own: object): Promise<void> {
    const { rows } = await this.#client.query(
      `select g.*, c.artifact as previous, c.reign as reigning from trust.gate g join trust.champion c on c.slot = g.slot
       where g.slot = $1 and g.stage = 'passed' order by g.e_value desc, g.k limit 1`,
      [slot],
    );
    const passed = rows[0];
    if (passed === undefined) return;
    const promote = passed.kind === 'challenge';
    const reign = passed.reigning + 1;
    await insertRows(this.#client, 'board.promotion', [
      {
        id: uuid7(),
        ...own,
        kind: promote ? 'promote' : 'rollback',
        slot,
        reign,
        artifact: passed.artifact,
        family: 'simulated',
        previous: passed.previous,
        challenger_id: passed.challenger_id,
        e_value: passed.e_value,
        threshold: passed.threshold,
        windows: Number(passed.windows),
        signature: signature(),
      },
    ]);
    if (!promote) return;
    await insertRows(this.#client, 'board.challenger', [
      {
        id: uuid7(),
        ...own,
        kind: 'rollback',
        slot,
        reign,
        k: 1,
        artifact: passed.previous,
        trials: 1,
        screen_t: 0,
        screen_threshold: 0,
        scale: passed.scale,
        sd: passed.sd,
        alpha: this.#constant('rollback_alpha'),
      },
    ]);
  }
}
