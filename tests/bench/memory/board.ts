// The blackboard of one briefed fleet: decisions, experiments, claims and verdicts as the swarm writes them, and what its own views then
// say. Who may write what is judged elsewhere; here only what follows from the records counts.
import { createHash } from 'node:crypto';
import { statePatterns } from '../../../agents/runtime/state-patterns.js';
import type { Proposal, Tried } from '../../../agents/strategist/strategist.js';
import { type Db, openDb } from '../../../blackboard/db.js';
import { uuid7 } from '../../../blackboard/ids.js';
import { canonicalJson } from '../../../forecast/canonical.js';
import { specDigest } from '../../../forecast/families/index.js';
import { brief, type DrawnBriefing, storedItems } from '../../../trust/briefing.js';
import type { Uniform } from '../../../trust/draw.js';
import { type BenchGround, openBenchGround } from '../blackboard/ground.js';
import { insertRows } from '../byzantine/records.js';
import type { Trial } from './arena.js';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
const NOTED = ['experiment', 'claim', 'verdict', 'decision', 'pattern'];
const RECORDS = ['briefing', ...NOTED, 'promotion', 'agent'];

export interface Seat {
  readonly id: string;
  readonly name: string;
}

export class MemoryBoard {
  readonly #ground: BenchGround;
  readonly #db: Db;
  #checker = '';
  #slot = '';

  private constructor(ground: BenchGround) {
    this.#ground = ground;
    this.#db = openDb({ url: ground.url, name: 'bench' });
  }

  static async open(): Promise<MemoryBoard> {
    const ground = await openBenchGround();
    const board = new MemoryBoard(ground);
    for (const table of RECORDS) await ground.admin.query(`alter table board.${table} disable trigger all`);
    for (const table of NOTED) await ground.admin.query(`alter table board.${table} enable trigger note`);
    return board;
  }

  /** An empty blackboard with a reference on the throne, a checker, and explorers of as many owners. */
  async found(slot: string, explorers: number): Promise<Seat[]> {
    const { admin } = this.#ground;
    await admin.query(`set session_replication_role = replica`);
    for (const table of RECORDS) await admin.query(`delete from board.${table}`);
    await admin.query(`reset session_replication_role`);
    await admin.query('select trust.rebuild()');
    this.#slot = slot;
    const seat = async (role: string, name: string): Promise<Seat> => {
      const id = uuid7();
      await insertRows(admin, 'board.agent', [
        { id, owner: `owner-of-${name}`, role, name, login: `l${id.replaceAll('-', '')}`, public_key: 'k' },
      ]);
      return { id, name };
    };
    this.#checker = (await seat('checker', 'checker')).id;
    const publisher = await seat('publisher', 'publisher');
    await insertRows(admin, 'board.promotion', [
      {
        id: uuid7(),
        agent_id: publisher.id,
        kind: 'found',
        slot,
        reign: 0,
        artifact: sha('reference'),
        family: 'reference',
        ...HELD,
        signature: sha('s'),
      },
    ]);
    const seats: Seat[] = [];
    for (let n = 1; n <= explorers; n++) seats.push(await seat('explorer', `explorer-${n}`));
    return seats;
  }

  brief = (uniform: Uniform): Promise<DrawnBriefing> => brief(this.#db, this.#slot, uniform);

  /** One experiment of one explorer; `claimed` when it was worth a checker's time. */
  async record(
    by: Seat,
    briefing: DrawnBriefing,
    proposal: Proposal,
    trial: Trial,
    starts: readonly number[],
    claimed: boolean,
  ): Promise<void> {
    const { admin } = this.#ground;
    const [told, made, run, claim] = [uuid7(), uuid7(), uuid7(), uuid7()];
    const spec_digest = specDigest(proposal.spec);
    const spec = JSON.parse(canonicalJson(proposal.spec)) as object;
    const own = { agent_id: by.id, slot: this.#slot, seed: 's' };
    const { scores, yardstick, gain, se } = trial.hidden;
    const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
    const measured = {
      ...own,
      ...HELD,
      family: proposal.spec.family,
      spec,
      spec_digest,
      as_of: new Date(starts.at(-1)! * 1000),
      data_cutoff: new Date(starts[0]! * 1000),
      ...MADE,
      windows_digest: sha('public'),
      n_windows: scores.length,
      artifact: sha(`artifact ${spec_digest}`),
      mean_crps: mean(scores),
    };
    await insertRows(admin, 'board.briefing', [{ ...own, id: told, items: storedItems(briefing) }]);
    await insertRows(admin, 'board.decision', [
      {
        ...own,
        id: made,
        briefing_id: told,
        strategist: 'evolve',
        move: proposal.move,
        parent_digests: proposal.parents,
        spec,
        spec_digest,
        reason: '',
      },
    ]);
    await insertRows(admin, 'board.experiment', [
      {
        ...measured,
        id: run,
        decision_id: made,
        yardstick_crps: mean(yardstick),
        gain: trial.public.gain,
        se: trial.public.se,
        cost_ms: 1,
      },
    ]);
    if (!claimed) return;
    await insertRows(admin, 'board.claim', [
      {
        ...measured,
        id: claim,
        experiment_id: run,
        claimed_gain: trial.public.gain,
        claimed_se: 1.5 * trial.public.se,
        salt: uuid7(),
        signature: sha('s'),
      },
    ]);
    const differences = yardstick.map((y, i) => y - scores[i]!);
    const size = mean(differences);
    const sd = Math.sqrt(mean(differences.map((d) => (d - size) ** 2)));
    await insertRows(admin, 'board.verdict', [
      {
        id: uuid7(),
        agent_id: this.#checker,
        claim_id: claim,
        finding: 'scored',
        reign: 0,
        champion: sha('reference'),
        hidden_from: measured.data_cutoff,
        hidden_to: measured.as_of,
        ...MADE,
        windows_digest: sha('hidden'),
        n_windows: scores.length,
        mean_crps: measured.mean_crps,
        yardstick_crps: mean(yardstick),
        champion_crps: mean(yardstick),
        verified_gain: gain,
        verified_se: se,
        window_starts: starts.slice(0, scores.length),
        differences,
        champion_t: (size / (sd || 1)) * Math.sqrt(scores.length),
        difference_sd: sd / mean(yardstick),
        seed: 's',
        signature: sha('s'),
        ...HELD,
      },
    ]);
  }

  /** What was tried by whomever, newest first. */
  async archive(): Promise<Tried[]> {
    const { rows } = await this.#ground.admin.query<Tried>(
      'select spec, spec_digest, gain, se from board.tried where slot = $1 order by id desc limit 300',
      [this.#slot],
    );
    return rows;
  }

  /** Patterns as an explorer states them, and weighed. */
  async patterns(by: Seat): Promise<void> {
    const who = { id: by.id } as Parameters<typeof statePatterns>[0]['who'];
    await statePatterns({ db: this.#db, who, stamp: () => ({ id: uuid7(), agent_id: by.id }) }, this.#slot);
    await this.#ground.admin.query(`select trust.weigh('infinity')`);
  }

  async close(): Promise<void> {
    await this.#db.destroy();
    await this.#ground.close();
  }
}

const HELD = { work_id: 'bench', fence: 0 };
const MADE = { dataset_digest: sha('data'), code_version: 'bench', seed: 's' };
