// What a model would have been paid against a recorded field: it is put into every prompt as one more miner.
// Promises: the profile's own rule for prompt scores, smoothing, softmax and combination (reward/); equal input, equal
// output. Leaves to others: how the model came by its CRPS, and the chain.
import type { Competition, Profile, PromptScoreRule } from './profile.js';
import {
  combine,
  competitionWeights,
  emission,
  percentile,
  promptScores,
  type ScoreRow,
} from './reward/index.js';
import { findCompetition } from './slot.js';

/** The model's place among miner ids; real ones are not negative. */
export const MODEL_ID = -1;
/** Stands for the owner, who is paid the burn. */
const OWNER_ID = -2;

export interface FieldRow extends ScoreRow {
  readonly competition: string;
  /** The miner's own CRPS on the prompt, -1 when invalid. With it the prompt is scored anew from the beginning. */
  readonly crps?: number;
}

export interface ModelScore {
  readonly competition: string;
  readonly asset: string;
  readonly scored_time_s: number;
  /** Raw CRPS; anything negative or not finite is an invalid answer. */
  readonly crps: number;
}

export interface EmulateOptions {
  readonly profile: Profile;
  /** Payments at from_s, from_s + every_s, ... up to to_s. */
  readonly from_s: number;
  readonly to_s: number;
  readonly every_s: number;
}

export interface Payment {
  readonly at_s: number;
  /** Part of all that miners are paid. */
  readonly share: number;
  /** Part of all emission, after what the subnet's owner burns. */
  readonly after_burn: number;
  /** 1 is the best paid. */
  readonly rank: number;
  readonly miners: number;
}

export interface Emulation {
  readonly mean_share: number;
  readonly mean_after_burn: number;
  readonly mean_rank: number;
  readonly payments: readonly Payment[];
}

const keyOf = ({ competition, asset, scored_time_s }: ModelScore | FieldRow): string =>
  `${competition} ${asset} ${scored_time_s}`;

export interface Matched {
  /** The field with the model in it. */
  readonly rows: readonly FieldRow[];
  /** Prompts of the field, those that the model has a score for, and those where that score could be placed. */
  readonly prompts: number;
  readonly answered: number;
  readonly placed: number;
}

/** Puts the model into every prompt that it has a score for. A prompt without its score stays as it was. */
export function insertModel(
  field: readonly FieldRow[],
  model: readonly ModelScore[],
  rule: PromptScoreRule,
): Matched {
  const scores = new Map(model.map((one) => [keyOf(one), one.crps]));
  const prompts = new Map<string, FieldRow[]>();
  for (const row of field) {
    const known = prompts.get(keyOf(row));
    if (known === undefined) prompts.set(keyOf(row), [row]);
    else known.push(row);
  }
  const rows: FieldRow[] = [];
  let [answered, placed] = [0, 0];
  for (const [key, prompt] of prompts) {
    const crps = scores.get(key);
    const inserted = crps === undefined ? null : insert(prompt, crps, rule);
    answered += crps === undefined ? 0 : 1;
    placed += inserted === null ? 0 : 1;
    for (const row of inserted ?? prompt) rows.push(row);
  }
  rows.sort((a, b) => a.scored_time_s - b.scored_time_s);
  return { rows, prompts: prompts.size, answered, placed };
}

/** Null when the prompt says neither the miners' CRPS nor its lowest and fill: then a raw CRPS has no place in it. */
function insert(prompt: readonly FieldRow[], crps: number, rule: PromptScoreRule): FieldRow[] | null {
  return prompt.every((row) => row.crps !== undefined || row.prompt_score === null)
    ? scoredAnew(prompt, crps, rule)
    : scoredBeside(prompt, crps, rule);
}

function scoredAnew(prompt: readonly FieldRow[], crps: number, rule: PromptScoreRule): FieldRow[] | null {
  const known = prompt.filter((row) => row.crps !== undefined);
  const ranked = promptScores([...known.map((row) => row.crps!), validOr(crps, -1)], rule);
  if (ranked === null || known.length === 0) return null;
  const { scores, fill, lowest } = ranked;
  const rescored = known.map((row, i) => ({ ...row, prompt_score: scores[i], fill, lowest }));
  const silent = prompt.filter((row) => row.crps === undefined);
  return [...rescored, ...silent, modelRow(prompt[0], scores[known.length], fill, lowest)];
}

/**
 * Without the raw CRPS of the field, its fill and cap stay what they were: one miner among hundreds hardly moves them.
 * The lowest is exact: a model that beats everybody lowers it, and every other score rises by as much.
 */
function scoredBeside(prompt: readonly FieldRow[], crps: number, rule: PromptScoreRule): FieldRow[] | null {
  const { fill, lowest } = prompt.find((row) => row.fill !== undefined && row.lowest !== undefined) ?? {};
  if (fill === undefined || lowest === undefined) return null;
  const field = prompt.flatMap(({ prompt_score: s }) => (s === null || Number.isNaN(s) ? [] : [s + lowest]));
  const cap = rule === 'p90' ? fill : 10 * percentile(field, 50);
  const own = Math.min(validOr(crps, fill), cap > 0 ? cap : Number.POSITIVE_INFINITY);
  const least = Math.min(lowest, own);
  const shifted = prompt.map((row) => ({
    ...row,
    prompt_score: row.prompt_score === null ? null : row.prompt_score + (lowest - least),
    fill,
    lowest: least,
  }));
  return [...shifted, modelRow(prompt[0], own - least, fill, least)];
}

const validOr = (crps: number, otherwise: number): number =>
  Number.isFinite(crps) && crps >= 0 ? crps : otherwise;

function modelRow(like: FieldRow, prompt_score: number, fill: number, lowest: number): FieldRow {
  const { competition, asset, scored_time_s } = like;
  return { miner_id: MODEL_ID, competition, asset, scored_time_s, prompt_score, fill, lowest };
}

/** Pays the field with the model in it at every instant; those at which nobody is paid are left out. */
export function emulate(rows: readonly FieldRow[], o: EmulateOptions): Emulation {
  const competitions = [...new Set(rows.map((row) => row.competition))].map((id) => {
    const rules = findCompetition(o.profile, id);
    const own = rows
      .filter((row) => row.competition === id)
      .sort((a, b) => a.scored_time_s - b.scored_time_s);
    return { rules, rows: own, times: own.map((row) => row.scored_time_s) };
  });
  const payments: Payment[] = [];
  for (let at_s = o.from_s; at_s <= o.to_s; at_s += o.every_s) {
    const weights = competitions.map(({ rules, rows: own, times }) =>
      competitionWeights(windowOf(own, times, rules, at_s), o.profile, rules, at_s),
    );
    const paid = payment(combine(weights), at_s, o.profile);
    if (paid !== null) payments.push(paid);
  }
  const mean = (of: (p: Payment) => number): number =>
    payments.reduce((sum, p) => sum + of(p), 0) / payments.length;
  return {
    mean_share: mean((p) => p.share),
    mean_after_burn: mean((p) => p.after_burn),
    mean_rank: mean((p) => p.rank),
    payments,
  };
}

function windowOf(rows: readonly FieldRow[], times: readonly number[], rules: Competition, at_s: number) {
  return rows.slice(firstAfter(times, at_s - rules.window_days * 86_400), firstAfter(times, at_s));
}

/** Index of the first time later than `t`. */
function firstAfter(times: readonly number[], t: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle] <= t) low = middle + 1;
    else high = middle;
  }
  return low;
}

function payment(weights: ReadonlyMap<number, number>, at_s: number, profile: Profile): Payment | null {
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) return null;
  const own = weights.get(MODEL_ID) ?? 0;
  const burn = profile.owner_burn.enabled ? { burn_uid: OWNER_ID } : {};
  return {
    at_s,
    share: own / total,
    after_burn: emission(weights, burn).find(({ uid }) => uid === MODEL_ID)?.share ?? 0,
    rank: 1 + [...weights].filter(([id, weight]) => id !== MODEL_ID && weight > own).length,
    miners: weights.size,
  };
}

export interface Sensitivity {
  /** What the model's CRPS is multiplied by. */
  readonly factor: number;
  readonly mean_share: number;
  readonly mean_rank: number;
}

/** The same with every CRPS of the model better or worse by some factor: how steep the reward is here. */
export function sensitivity(
  field: readonly FieldRow[],
  model: readonly ModelScore[],
  o: EmulateOptions,
  factors: readonly number[] = [0.99, 1.01],
): Sensitivity[] {
  return factors.map((factor) => {
    const scaled = model.map((one) => ({ ...one, crps: one.crps * factor }));
    const { rows } = insertModel(field, scaled, o.profile.prompt_score_rule);
    const { mean_share, mean_rank } = emulate(rows, o);
    return { factor, mean_share, mean_rank };
  });
}
