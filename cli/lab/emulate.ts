// `swarm emulate`: what share a model would have had against a recorded field, on files.
// Promises: files that cannot be matched are refused with the reason, never answered with a share of 0.
// Leaves to others: the arithmetic (miner/sn50/emulator.ts).
import { SwarmError } from '../../blackboard/errors.js';
import {
  type Emulation,
  emulate,
  type FieldRow,
  insertModel,
  type ModelScore,
  type Sensitivity,
  sensitivity,
} from '../../miner/sn50/emulator.js';
import { findCompetition, loadProfile } from '../../miner/sn50/profile.js';
import { readCsv, readScores, timeOf } from '../score.js';
import { table } from '../status/render.js';
import { percent } from './render.js';

export interface EmulateArguments {
  readonly scores: string;
  readonly modelScores: string;
  readonly competition?: string;
  readonly profile: string;
  readonly from: Date;
  readonly to: Date;
  readonly every: number;
  readonly json?: boolean;
}

const SHOWN = 20;
const usage = (message: string, hint: string): SwarmError => new SwarmError('SWARM_E_USAGE', message, hint);

export function emulateCommand(o: EmulateArguments): void {
  const profile = loadProfile(o.profile);
  const [from_s, to_s] = [o.from.getTime() / 1000, o.to.getTime() / 1000];
  if (!(from_s <= to_s && o.every > 0))
    throw usage(
      'there is no payment between --from and --to',
      'Give --from before --to, and --every above 0.',
    );
  const idOf = (named: string | undefined, where: string): string => {
    const id = named ?? o.competition;
    if (id === undefined || id === '')
      throw usage(`${where} names no competition`, 'Add a column `competition`, or give --competition.');
    return findCompetition(profile, id).id;
  };
  const field = readScores(o.scores).map(
    (row): FieldRow => ({ ...row, competition: idOf(row.competition, o.scores) }),
  );
  const model = readCsv(
    o.modelScores,
    ['scored_time', 'asset', 'crps'],
    (cell, has, where): ModelScore => ({
      competition: idOf(has('competition') ? cell('competition') : undefined, where),
      asset: cell('asset'),
      scored_time_s: timeOf(cell('scored_time'), where),
      crps: cell('crps') === '' ? Number.NaN : Number(cell('crps')),
    }),
  );
  const matched = insertModel(field, model, profile.prompt_score_rule);
  if (matched.placed === 0)
    throw usage(
      matched.answered === 0
        ? `no prompt of ${o.scores} has a score in ${o.modelScores}`
        : `${o.scores} says neither percentile90 and lowest_score nor crps: a raw CRPS has no place in it`,
      'Prompts match by competition, asset and scored_time; the field needs percentile90 and lowest_score, or crps.',
    );
  const options = { profile, from_s, to_s, every_s: o.every * 3600 };
  const result = emulate(matched.rows, options);
  if (result.payments.length === 0)
    throw usage(
      'nobody is paid between --from and --to',
      'The field has no prompts in the windows before them.',
    );
  const steep = sensitivity(field, model, options);
  const { prompts, answered, placed } = matched;
  if (o.json)
    process.stdout.write(
      `${JSON.stringify({ profile: profile.id, prompts, answered, placed, ...result, sensitivity: steep })}\n`,
    );
  else process.stdout.write(`${printed(result, steep, matched)}\n`);
}

function printed(
  { mean_share, mean_after_burn, mean_rank, payments }: Emulation,
  steep: readonly Sensitivity[],
  { prompts, answered, placed }: { prompts: number; answered: number; placed: number },
): string {
  const every = Math.ceil(payments.length / SHOWN);
  return [
    `${placed} of ${prompts} prompts with the model in them${answered > placed ? `, ${answered - placed} where its score had no place` : ''}`,
    '',
    table(
      ['model CRPS', 'mean share of miners', 'mean rank'],
      [
        ['as it is', percent(mean_share, 3), mean_rank.toFixed(1)],
        ...steep.map((s) => [
          `${s.factor < 1 ? '' : '+'}${percent(s.factor - 1, 0)}`,
          percent(s.mean_share, 3),
          s.mean_rank.toFixed(1),
        ]),
      ],
    ),
    `after the owner's burn ${percent(mean_after_burn, 3)} of all emission`,
    '',
    table(
      ['paid at', 'share of miners', 'rank'],
      payments
        .filter((_, i) => i % every === 0 || i === payments.length - 1)
        .map((p) => [
          new Date(p.at_s * 1000).toISOString().slice(0, 16),
          percent(p.share, 3),
          `${p.rank} of ${p.miners}`,
        ]),
    ),
  ].join('\n');
}
