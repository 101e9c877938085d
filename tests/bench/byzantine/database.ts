// The swarm's own rules for a simulated fleet: the real tables, with their triggers, and the real views decide who checks what, what is
// told and who reigns. Only finding and measuring are simulated.
import type pg from 'pg';
import { uuid7 } from '../../../blackboard/ids.js';
import { type Constants, constantsOf } from '../../../trust/constants.js';
import type { Rules, Seat, Spent } from './fleet.js';
import { approvesUnseen, noteOf, type Stated, type Told } from './owners.js';
import { Publishing } from './publishing.js';
import {
  type Agent,
  type Claimed,
  dayAt,
  insertClaims,
  insertPatterns,
  insertRows,
  signature,
  takeLeases,
  takeTurns,
} from './records.js';
import { CAPACITY, TURNS, type Turn } from './turns.js';
import { HIDDEN, type Model, mean, PLAIN_SE, sampleSd, sha, type World } from './world.js';

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
  readonly #unseen = new Map<string, number>();
  #constant: Constants = () => 0;
  #publishing: Publishing | null = null;
  readonly #judged = new Map<string, number>();
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
    this.#publishing = new Publishing(this.#client, this.#world, {
      publisher: this.#publisher,
      constant: this.#constant,
      held: (slot) => this.#fences.get(`gate:${slot}`)!,
      model: (artifact) => this.#models.get(artifact)!,
    });
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

  async round(day: number, stated: readonly (Stated & { by: string })[]): Promise<Spent> {
    const client = this.#client;
    await client.query('begin');
    await this.#clock(day);
    const claims = stated.map((s) => ({ ...s, id: uuid7(), day, by: this.#agents.get(s.by)! }));
    for (const claim of claims) {
      this.#claims.set(claim.id, claim);
      this.#models.set(claim.model.artifact, claim.model);
    }
    await insertClaims(client, claims, this.#fences, day);
    await insertPatterns(client, claims, (c) => noteOf(this.#seats.get(c.by.id)!));
    const spent = new Map<string, number>();
    await this.#volunteer(claims, day, spent);
    await this.#check(day, spent);
    for (const slot of this.#slots) await this.#publishing!.day(slot, day, await this.champion(slot));
    await client.query('select trust.fold()');
    await client.query('commit');
    // Tables that grow from nothing: plans for empty ones take seconds.
    if (day % 5 === 0) await client.query('analyze');
    return Object.fromEntries(spent);
  }

  reached(slot: string): { judged: number; admitted: number } {
    return { judged: this.#judged.get(slot) ?? 0, admitted: this.#publishing!.admitted(slot) };
  }

  async champion(slot: string): Promise<Model> {
    const { rows } = await this.#client.query<{ artifact: string }>(
      'select artifact from trust.champion where slot = $1',
      [slot],
    );
    return this.#models.get(rows[0]!.artifact)!;
  }

  /** Trust in every owner as it claims or checks, with its judged claims, or the checks that it has given unseen. */
  async standing(): Promise<Map<string, { trust: number; events: number }>> {
    const { rows } = await this.#client.query<{ owner: string; trust: number; events: string }>(
      'select owner, trust, events from trust.owner',
    );
    const cheats = new Set(
      [...this.#seats.values()]
        .filter((s) => s.role === 'checker' && s.class !== 'honest')
        .map((s) => s.name),
    );
    return new Map(
      rows.map(({ owner, trust, events }) => [
        owner,
        { trust, events: cheats.has(owner) ? (this.#unseen.get(owner) ?? 0) : Number(events) },
      ]),
    );
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

  /** Whoever cheats together tries to judge without being asked. */
  async #volunteer(claims: readonly Claimed[], day: number, spent: Map<string, number>): Promise<void> {
    const friend = [...this.#seats].find(([, s]) => s.class === 'colluder' && s.role === 'checker');
    const turns = claims
      .filter((c) => friend !== undefined && this.#seats.get(c.by.id)!.class === 'colluder')
      .map(
        async (c): Promise<Turn> => ({
          claim_id: c.id,
          checker_id: friend![0],
          reign: await this.#reign(c.model.slot),
          retrace: false,
          purpose: 'unasked',
        }),
      );
    const wanted = await Promise.all(turns);
    this.refused += wanted.length - (await this.#judge(wanted, day, takeLeases, spent));
  }

  async #reign(slot: string): Promise<number> {
    const { rows } = await this.#client.query<{ reign: number }>(
      'select reign from trust.champion where slot = $1',
      [slot],
    );
    return rows[0]!.reign;
  }

  /** Turns as the view gives them, until nobody has one or everybody is tired. */
  async #check(day: number, spent: Map<string, number>): Promise<void> {
    const left = new Map<string, number>();
    for (let pass = 0; pass < 4; pass++) {
      const { rows } = await this.#client.query<Turn>(TURNS);
      const due = rows.filter((t) => {
        const rest = left.get(t.checker_id) ?? CAPACITY;
        left.set(t.checker_id, rest - 1);
        return rest > 0;
      });
      if ((await this.#judge(due, day, takeTurns, spent)) === 0) break;
    }
  }

  /** Verdicts that were given. */
  async #judge(
    turns: readonly Turn[],
    day: number,
    take: typeof takeLeases,
    spent: Map<string, number>,
  ): Promise<number> {
    const names = new Map([...this.#agents.values()].map((a) => [a.id, a.name]));
    const work = (t: Turn): string => `check:${t.claim_id}:${t.reign}:${names.get(t.checker_id)}`;
    const fences = await take(
      this.#client,
      turns.map((t) => ({ work_id: work(t), holder: t.checker_id })),
    );
    const rows = [];
    const pay = (what: string): Map<string, number> => spent.set(what, (spent.get(what) ?? 0) + 1);
    for (const turn of turns) {
      const fence = fences.get(work(turn));
      if (fence === undefined) continue;
      const verdict = await this.#verdict(turn, day);
      const isScored = verdict['finding'] === 'scored';
      pay(turn.purpose);
      // A claim that is refused was not scored on hidden windows.
      if (isScored && turn.retrace) pay('retrace');
      if (isScored) {
        const { model } = this.#claims.get(turn.claim_id)!;
        this.#judged.set(model.slot, Math.max(this.#judged.get(model.slot) ?? 0, model.gain));
      }
      rows.push({ ...verdict, work_id: work(turn), fence });
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
    const checker = this.#seats.get(turn.checker_id)!;
    const claimed = Math.min(claim.gain, 0.9);
    const measured = this.#world.measured(model, day);
    const unseen = approvesUnseen(checker, this.#seats.get(by.id)!);
    if (unseen) this.#unseen.set(checker.name, (this.#unseen.get(checker.name) ?? 0) + 1);
    const gain = unseen ? claimed : measured;
    const untrue =
      !unseen &&
      turn.retrace &&
      Math.abs(claimed - this.#world.measuredByAuthor(model, claim.day)) >
        this.#constant('verdict_tolerance');
    const scored = <T>(value: T): T | null => (untrue ? null : value);
    return {
      id: uuid7(),
      agent_id: turn.checker_id,
      claim_id: claim.id,
      finding: untrue ? 'refused' : 'scored',
      reason: untrue ? 'untrue' : '',
      reign: turn.reign,
      champion: champion.artifact,
      hidden_from: dayAt(day - 30),
      hidden_to: dayAt(day),
      dataset_digest: sha('data'),
      windows_digest: scored(sha('hidden', day)),
      n_windows: scored(HIDDEN),
      mean_crps: scored(1 - gain),
      yardstick_crps: scored(1),
      champion_crps: scored(1),
      verified_gain: scored(gain),
      verified_se: scored(PLAIN_SE),
      window_starts: scored(Array.from({ length: HIDDEN }, (_, i) => (day * 2 - 60 + i) * 43_200)),
      differences: scored(differences),
      champion_t: scored((mean(differences) + gain - measured) / (sd / Math.sqrt(HIDDEN))),
      difference_sd: scored(sd),
      seed: 's',
      code_version: 'simulated',
      signature: signature(),
    };
  }
}
