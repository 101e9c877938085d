// The swarm's own rules for a simulated fleet: the real tables, with their triggers, and the real views decide who checks what, what is
// told and who reigns. Only finding and measuring are simulated.
import type pg from 'pg';
import { alphaShare } from '../../../agents/publisher/admit.js';
import { uuid7 } from '../../../blackboard/ids.js';
import { type Constants, constantsOf } from '../../../trust/constants.js';
import { boundedSteps, type Measured } from '../../../trust/gate-step.js';
import type { Rules, Seat } from './fleet.js';
import { checkedGain, noteOf, type Told } from './owners.js';
import {
  type Agent,
  type Claimed,
  dayAt,
  insertClaims,
  insertRows,
  signature,
  takeLeases,
} from './records.js';
import { HIDDEN, type Model, mean, PLAIN_SE, sampleSd, sha, type World } from './world.js';

interface Turn {
  readonly claim_id: string;
  readonly checker_id: string;
  readonly reign: number;
}

/** Checks that one checker makes in a round. */
const CAPACITY = 8;
const LIVE_WINDOWS = 24;

export class DatabaseRules implements Rules {
  readonly #client: pg.Client;
  readonly #world: World;
  readonly #slots: readonly string[];
  readonly #agents = new Map<string, Agent>();
  readonly #seats = new Map<string, Seat>();
  readonly #claims = new Map<string, Claimed>();
  readonly #models = new Map<string, Model>();
  readonly #fences = new Map<string, { work_id: string; fence: number }>();
  readonly #publisher: string;
  #constant: Constants = () => 0;
  /** Volunteers whom the database turned away. */
  refused = 0;

  constructor(client: pg.Client, world: World, slots: readonly string[]) {
    this.#client = client;
    this.#world = world;
    this.#slots = slots;
    this.#publisher = uuid7();
  }

  async open(reference: readonly Model[]): Promise<void> {
    const { rows } = await this.#client.query<{ name: string; value: number }>(
      'select name, value from board.constant',
    );
    this.#constant = constantsOf(rows);
    await this.#client.query('begin');
    await this.#enrol(this.#publisher, 'publisher', 'publisher', 'publisher');
    await this.#clock(0);
    for (const model of reference) {
      this.#models.set(model.artifact, model);
      await this.#held(`gate:${model.slot}`, this.#publisher);
      await insertRows(this.#client, 'board.promotion', [
        {
          id: uuid7(),
          agent_id: this.#publisher,
          kind: 'found',
          slot: model.slot,
          reign: 0,
          artifact: model.artifact,
          family: 'reference',
          signature: signature(),
          ...this.#fences.get(`gate:${model.slot}`),
        },
      ]);
    }
    await this.#client.query('commit');
  }

  async join(seat: Seat): Promise<void> {
    const id = uuid7();
    await this.#client.query('begin');
    this.#agents.set(seat.name, { id, name: seat.name, owner: seat.name });
    this.#seats.set(id, seat);
    await this.#enrol(id, seat.role, seat.name, seat.name);
    if (seat.role === 'explorer') await this.#held(`search:${id}`, id, id);
    else
      await this.#client.query(
        `insert into board.presence values ($1, clock_timestamp() + interval '1 day', now(), 1, 'h', 'ready', null)`,
        [id],
      );
    await this.#client.query('commit');
  }

  async told(slot: string): Promise<Told[]> {
    const { rows } = await this.#client.query<{ claim_id: string; owner: string; verified_gain: number }>(
      `select claim_id, owner, verified_gain from trust.known_spec where slot = $1
       order by verified_gain - verified_se desc, spec_digest, claim_id limit 48`,
      [slot],
    );
    const all = rows.map((r) => ({
      model: this.#claims.get(r.claim_id)!.model,
      owner: r.owner,
      gain: r.verified_gain,
    }));
    return all.filter((t, i) => all.findIndex((o) => o.model.spec_digest === t.model.spec_digest) === i);
  }

  async round(
    day: number,
    stated: readonly (Omit<Claimed, 'id' | 'by'> & { by: string })[],
  ): Promise<number> {
    const client = this.#client;
    await client.query('begin');
    await this.#clock(day);
    const claims = stated.map((s) => ({ ...s, id: uuid7(), by: this.#agents.get(s.by)! }));
    for (const claim of claims) {
      this.#claims.set(claim.id, claim);
      this.#models.set(claim.model.artifact, claim.model);
    }
    await insertClaims(client, claims, this.#fences, day);
    await this.#patterns(claims);
    const checks = (await this.#volunteer(claims, day)) + (await this.#check(day));
    for (const slot of this.#slots) await this.#gate(slot, day);
    await client.query('select trust.fold()');
    await client.query('commit');
    // Tables that grow from nothing: plans for empty ones take seconds.
    if (day % 5 === 0) await client.query('analyze');
    return checks;
  }

  async champion(slot: string): Promise<Model> {
    const { rows } = await this.#client.query<{ artifact: string }>(
      'select artifact from trust.champion where slot = $1',
      [slot],
    );
    return this.#models.get(rows[0]!.artifact)!;
  }

  /** Trust in every owner as it claims or checks, with the claims of it that were judged. */
  async standing(): Promise<Map<string, { trust: number; events: number }>> {
    const { rows } = await this.#client.query<{ owner: string; trust: number; events: string }>(
      'select owner, trust, events from trust.owner',
    );
    return new Map(rows.map((r) => [r.owner, { trust: r.trust, events: Number(r.events) }]));
  }

  async #enrol(id: string, role: string, name: string, owner: string): Promise<void> {
    await insertRows(this.#client, 'board.agent', [
      { id, owner, role, name, login: `l${id.replaceAll('-', '')}`, public_key: 'k' },
    ]);
  }

  async #held(work_id: string, holder: string, key = work_id): Promise<void> {
    const taken = await takeLeases(this.#client, [{ work_id, holder }]);
    this.#fences.set(key, { work_id, fence: taken.get(work_id)! });
  }

  async #clock(day: number): Promise<void> {
    await this.#client.query(
      `insert into market.clock (source, dataset_digest, seed, profile, slots, market_at, data_from, speed)
       values ('simulated', $1, 's', '2026-05', $2, $3, '2025-01-01', 0)`,
      [sha('data'), this.#slots, dayAt(day, 1)],
    );
  }

  async #patterns(claims: readonly Claimed[]): Promise<void> {
    const noted = claims.filter((c) => noteOf(this.#seats.get(c.by.id)!) !== '');
    await insertRows(
      this.#client,
      'board.pattern',
      noted.map((c) => ({
        id: uuid7(),
        agent_id: c.by.id,
        slot: c.model.slot,
        family: 'simulated',
        direction: 1,
        effect: 0.5,
        note: noteOf(this.#seats.get(c.by.id)!),
      })),
    );
  }

  /** Whoever cheats together tries to judge without being asked. */
  async #volunteer(claims: readonly Claimed[], day: number): Promise<number> {
    const friend = [...this.#seats].find(([, s]) => s.class === 'colluder' && s.role === 'checker');
    const turns = claims
      .filter((c) => friend !== undefined && this.#seats.get(c.by.id)!.class === 'colluder')
      .map(
        async (c): Promise<Turn> => ({
          claim_id: c.id,
          checker_id: friend![0],
          reign: await this.#reign(c.model.slot),
        }),
      );
    const wanted = await Promise.all(turns);
    const made = await this.#judge(wanted, day);
    this.refused += wanted.length - made;
    return made;
  }

  async #reign(slot: string): Promise<number> {
    const { rows } = await this.#client.query<{ reign: number }>(
      'select reign from trust.champion where slot = $1',
      [slot],
    );
    return rows[0]!.reign;
  }

  /** Turns as the view gives them, until nobody has one or everybody is tired. */
  async #check(day: number): Promise<number> {
    const left = new Map<string, number>();
    let checks = 0;
    for (let pass = 0; pass < 4; pass++) {
      const { rows } = await this.#client.query<Turn>(
        'select claim_id, checker_id, reign from trust.check_turn order by wanted desc, priority desc, claim_id',
      );
      const due = rows.filter((t) => {
        const rest = left.get(t.checker_id) ?? CAPACITY;
        left.set(t.checker_id, rest - 1);
        return rest > 0;
      });
      const made = await this.#judge(due, day);
      checks += made;
      if (made === 0) break;
    }
    return checks;
  }

  async #judge(turns: readonly Turn[], day: number): Promise<number> {
    const names = new Map([...this.#agents.values()].map((a) => [a.id, a.name]));
    const work = (t: Turn): string => `check:${t.claim_id}:${t.reign}:${names.get(t.checker_id)}`;
    const fences = await takeLeases(
      this.#client,
      turns.map((t) => ({ work_id: work(t), holder: t.checker_id })),
    );
    const rows = [];
    for (const turn of turns) {
      const fence = fences.get(work(turn));
      if (fence !== undefined) rows.push({ ...(await this.#verdict(turn, day)), work_id: work(turn), fence });
    }
    await insertRows(this.#client, 'board.verdict', rows);
    return rows.length;
  }

  async #verdict(turn: Turn, day: number): Promise<Record<string, unknown>> {
    const claim = this.#claims.get(turn.claim_id)!;
    const { model, by } = claim;
    const champion = await this.champion(model.slot);
    const differences = this.#world.differences(model, champion, day);
    const sd = sampleSd(differences);
    const measured = this.#world.measured(model, day);
    const gain = checkedGain(
      this.#seats.get(turn.checker_id)!,
      this.#seats.get(by.id)!,
      Math.min(claim.gain, 0.9),
      measured,
    );
    return {
      id: uuid7(),
      agent_id: turn.checker_id,
      claim_id: claim.id,
      finding: 'scored',
      reason: '',
      reign: turn.reign,
      champion: champion.artifact,
      hidden_from: dayAt(day - 30),
      hidden_to: dayAt(day),
      dataset_digest: sha('data'),
      windows_digest: sha('hidden', day),
      n_windows: HIDDEN,
      mean_crps: 1 - gain,
      yardstick_crps: 1,
      champion_crps: 1,
      verified_gain: gain,
      verified_se: PLAIN_SE,
      window_starts: Array.from({ length: HIDDEN }, (_, i) => (day * 2 - 60 + i) * 43_200),
      differences,
      champion_t: (mean(differences) + gain - measured) / (sd / Math.sqrt(HIDDEN)),
      difference_sd: sd,
      seed: 's',
      code_version: 'simulated',
      signature: signature(),
    };
  }

  /** What the publisher does with a slot in a day. */
  async #gate(slot: string, day: number): Promise<void> {
    const held = this.#fences.get(`gate:${slot}`)!;
    const own = { agent_id: this.#publisher, ...held };
    const champion = await this.champion(slot);
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
        challenger_crps: 1 - this.#world.live(this.#models.get(c.artifact)!, champion, day, hour),
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
