// The subnet's reward rule over the validator's own history: smoothed scores, softmax, shares, per competition as it pays
// and per slot alone. Rows are rebuilt from the blackboard at start, so a restart pays as if nothing had happened.
import { debugPoint } from '../../blackboard/debug-point.js';
import type { MinerContext } from '../context.js';
import { findCompetition, parseSlot } from '../sn50/profile.js';
import {
  combine,
  competitionWeights,
  type ScoreRow,
  smoothedScores,
  softmaxWeights,
} from '../sn50/reward/index.js';
import { FIELD } from './field.js';

interface Row extends ScoreRow {
  readonly competition: string;
}

/** A softmax never quite reaches 0; nobody is paid 1e-200 of anything. On chain a share under 1/65535 is 0. */
const payable = (share: number): number => (share < 1e-15 ? 0 : share);

export class Paying {
  #rows: Row[] = [];

  constructor(readonly context: MinerContext) {}

  async load(): Promise<void> {
    const rows = await this.context.db
      .selectFrom('board.outcome as o')
      .innerJoin('board.prompt as p', 'p.id', 'o.prompt_id')
      .select(['o.miner', 'o.prompt_score', 'p.start_at', 'p.length_s', 'p.asset', 'p.competition'])
      .where('o.prompt_score', 'is not', null)
      .execute();
    this.#rows = rows.map((r) => ({
      competition: r.competition,
      miner_id: FIELD.indexOf(r.miner as (typeof FIELD)[number]),
      prompt_score: r.prompt_score,
      scored_time_s: r.start_at.getTime() / 1000 + r.length_s,
      asset: r.asset,
    }));
  }

  /** Adds one scored prompt: scores in the order of the field. */
  add(
    competition: string,
    asset: string,
    scored_time_s: number,
    scores: readonly number[],
    fill: number,
    lowest: number,
  ): void {
    for (const [miner_id, prompt_score] of scores.entries())
      this.#rows.push({ competition, miner_id, prompt_score, scored_time_s, asset, fill, lowest });
  }

  /** Writes what the field would be paid at `now_s`; forgets rows that no window needs any more. */
  async pay(now_s: number): Promise<void> {
    const { profile, clock } = this.context;
    const slots = clock.slots.map(parseSlot);
    const competitions = [...new Set(slots.map((s) => s.competition))].map((id) =>
      findCompetition(profile, id),
    );
    const longest_s = Math.max(...competitions.map((c) => c.window_days)) * 86_400;
    this.#rows = this.#rows.filter((r) => r.scored_time_s > now_s - longest_s);
    const payments: Parameters<Paying['write']>[0] = [];
    const weights: Map<number, number>[] = [];
    for (const competition of competitions) {
      const from_s = now_s - competition.window_days * 86_400;
      const rows = this.#rows.filter((r) => r.competition === competition.id && r.scored_time_s > from_s);
      const groups: { asset: string | null; rows: Row[] }[] = [
        { asset: null, rows },
        ...slots
          .filter((s) => s.competition === competition.id)
          .map(({ asset }) => ({ asset, rows: rows.filter((r) => r.asset === asset) })),
      ];
      for (const group of groups) payments.push(...this.#shares(competition, group.asset, group.rows, now_s));
      weights.push(competitionWeights(rows, profile, competition, now_s));
    }
    const all = combine(weights);
    const total = [...all.values()].reduce((a, b) => a + b, 0);
    if (total > 0)
      for (const [id, weight] of all)
        payments.push({
          competition: 'all',
          asset: null,
          miner: FIELD[id]!,
          prompts: this.#rows.filter((r) => r.miner_id === id).length,
          smoothed: 0,
          share: payable(weight / total),
        });
    if (payments.length === 0) return;
    await debugPoint('reward.before-insert');
    await this.write(payments);
    await debugPoint('reward.written');
  }

  #shares(
    competition: ReturnType<typeof findCompetition>,
    asset: string | null,
    rows: readonly Row[],
    now_s: number,
  ) {
    const { coefficients, default_coefficient } = this.context.profile;
    const smoothed = smoothedScores(rows, {
      now_s,
      window_days: competition.window_days,
      coefficients,
      default_coefficient,
    });
    const ids = [...smoothed.keys()];
    const shares = softmaxWeights([...smoothed.values()], competition.softmax_beta);
    return ids.map((id, i) => ({
      competition: competition.id,
      asset,
      miner: FIELD[id]!,
      prompts: rows.filter((r) => r.miner_id === id).length,
      smoothed: smoothed.get(id)!,
      share: payable(shares[i]!),
    }));
  }

  async write(
    payments: {
      competition: string;
      asset: string | null;
      miner: string;
      prompts: number;
      smoothed: number;
      share: number;
    }[],
  ): Promise<void> {
    await this.context.db
      .insertInto('board.reward')
      .values(payments.map((p) => ({ ...this.context.stamp(), ...p })))
      .execute();
  }
}
