// Was every promotion earned? Windows, e-value and threshold are worked out anew from what the gate's steps measured.
//
//   x_t     bounded by trust/gate-step.ts, d = CRPS(champion) - CRPS(challenger)
//   E_n     mean over l in {.05 .1 .2 .35 .5 .7} of (1 - l)^unseen prod (1 + l x_t), n the windows that the promotion states
//   alpha   gate_alpha 6 / (pi^2 k^2) for the k-th challenger of a reign, rollback_alpha for a rollback
import type { Constants } from '../constants.js';
import { boundedSteps } from '../gate-step.js';
import { type Audit, rowsOf } from './finding.js';

const BETS = [0.05, 0.1, 0.2, 0.35, 0.5, 0.7];
/** Products of hundreds of factors in another order. */
const NEAR = 1e-6;
const EXP_LIMIT = 300;

interface PromotionRow {
  readonly id: string;
  readonly kind: string;
  readonly slot: string;
  readonly artifact: string;
  readonly previous: string;
  readonly e_value: number;
  readonly threshold: number;
  readonly windows: number;
  readonly before: string | null;
  readonly challenger_id: string | null;
  readonly challenger_kind: string;
  readonly challenger_artifact: string;
  readonly k: number;
  readonly alpha: number;
  readonly scale: number;
  readonly sd: number;
  /** Windows lost to the bound that count before the first. */
  readonly unseen: number;
  readonly steps: {
    champion_crps: number;
    challenger_crps: number;
    x: number;
    start_s: number;
    length_s: number;
    /** What the champion's own answer scored on that prompt. */
    served: number | null;
  }[];
}

const near = (a: number, b: number): boolean =>
  Math.abs(a - b) <= NEAR * Math.max(1, Math.abs(a), Math.abs(b));

export async function auditGates(audit: Audit, constant: Constants): Promise<void> {
  const promotions = rowsOf<PromotionRow>(
    audit.client,
    `select p.id, p.kind, p.slot, p.artifact, p.previous, p.e_value, p.threshold, p.windows, b.artifact as before, c.id as challenger_id,
       c.kind as challenger_kind, c.artifact as challenger_artifact, c.k, c.alpha, c.scale, c.sd, c.unseen,
       (select coalesce(json_agg(s order by s.start_s), '[]') from (
          select g.champion_crps, g.challenger_crps, g.x, extract(epoch from g.start_at)::float8 as start_s, q.length_s,
            (select o.crps from board.outcome o where o.prompt_id = g.prompt_id and o.miner = 'swarm') as served
          from board.gate_step g left join board.prompt q on q.id = g.prompt_id where g.challenger_id = c.id order by g.start_at limit p.windows) s) as steps
     from board.promotion p left join board.challenger c on c.id = p.challenger_id
     left join board.promotion b on b.slot = p.slot and b.reign = p.reign - 1 where p.kind not in ('found', 'override')`,
  );
  for await (const row of promotions) {
    audit.checked('gate');
    for (const reason of faults(row, constant)) audit.found({ kind: 'gate', id: row.id, reason });
  }
}

function* faults(row: PromotionRow, constant: Constants): Generator<string> {
  if (row.challenger_id === null) return yield 'its challenger does not exist';
  const rollback = row.kind === 'rollback';
  if (row.artifact !== row.challenger_artifact || rollback !== (row.challenger_kind === 'rollback'))
    yield 'it is not its challenger that was promoted';
  if (row.previous !== row.before) yield 'it did not follow the reign that it names';
  const alpha = rollback
    ? constant('rollback_alpha')
    : (constant('gate_alpha') * 6) / (Math.PI ** 2 * row.k ** 2);
  if (!near(row.alpha, alpha))
    yield `its challenger was given alpha ${row.alpha}, and ${alpha} was its share`;
  if (!near(row.threshold, 1 / alpha)) yield `it states threshold ${row.threshold}, and ${1 / alpha} was due`;
  const floor = constant(rollback ? 'rollback_floor_windows' : 'gate_floor_windows');
  if (row.windows < floor) yield `it rests on ${row.windows} windows, and ${floor} are the least`;
  if (row.steps.length !== row.windows)
    return yield `it states ${row.windows} windows, and ${row.steps.length} are there`;
  const xs = boundedSteps(row.steps, { ...row, clip_sd: constant('clip_sd') });
  for (const [n, step] of row.steps.entries()) {
    const x = xs[n]!;
    if (!near(x, step.x)) yield `window ${n + 1} states x ${step.x}, and its scores make ${x}`;
    if (step.served === null || !near(step.served, step.champion_crps))
      yield `window ${n + 1} states ${step.champion_crps} for the champion, and its prompt was scored ${step.served}`;
    const last = row.steps[n - 1];
    if (last !== undefined && step.start_s < last.start_s + last.length_s)
      yield `window ${n + 1} overlaps the one before`;
  }
  const e_value = eValue(
    row.steps.map((step) => step.x),
    row.unseen,
  );
  if (!near(Math.log(row.e_value), Math.log(e_value)))
    yield `it states E ${row.e_value}, and its windows make ${e_value}`;
  if (e_value < (1 / alpha) * (1 - NEAR)) yield `its windows make E ${e_value}, below ${1 / alpha}`;
}

function eValue(xs: readonly number[], unseen: number): number {
  const wealth = BETS.map((l) => {
    const log = xs.reduce((sum, x) => sum + Math.log(1 + l * x), unseen * Math.log(1 - l));
    return Math.exp(Math.max(-EXP_LIMIT, Math.min(EXP_LIMIT, log)));
  });
  return wealth.reduce((a, b) => a + b, 0) / BETS.length;
}
