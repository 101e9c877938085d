// `swarm score`, `swarm rewards`, `swarm validate`: the subnet's own arithmetic on files, for checking by hand.
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SwarmError } from '../blackboard/errors.js';
import { scorePaths } from '../forecast/score/index.js';
import { findCompetition, loadProfile, scoringIntervals } from '../miner/sn50/profile.js';
import { parsePrompt } from '../miner/sn50/prompt.js';
import { validateResponseText } from '../miner/sn50/response.js';
import { competitionWeights, type ScoreRow, smoothedScores } from '../miner/sn50/reward/index.js';
import { table } from './status/render.js';

const usage = (message: string, hint: string): SwarmError => new SwarmError('SWARM_E_USAGE', message, hint);

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usage(
      `${path} cannot be read: ${error instanceof Error ? error.message : error}`,
      'Name a readable file.',
    );
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof SwarmError) throw error;
    throw usage(
      `${path} is not JSON: ${error instanceof Error ? error.message : error}`,
      'Correct the file.',
    );
  }
}

const scoreFile = z.object({
  simulations: z.array(z.array(z.number().nullable()).min(1)).min(1),
  real: z.array(z.number().nullable()).min(2),
});

/** Scores `{"simulations": [[...]], "real": [...]}` (null: a missing price) by a competition's intervals. */
export function scoreCommand(o: {
  profile: string;
  competition: string;
  file: string;
  json?: boolean;
}): void {
  const rules = findCompetition(loadProfile(o.profile), o.competition);
  const parsed = scoreFile.safeParse(readJson(o.file));
  if (!parsed.success)
    throw usage(
      `${o.file}: ${z.prettifyError(parsed.error)}`,
      'Give {"simulations": [[...], ...], "real": [...]}.',
    );
  const { simulations, real } = parsed.data;
  const points = real.length;
  const odd = simulations.findIndex((path) => path.length !== points);
  if (odd >= 0)
    throw usage(
      `${o.file}: path ${odd} has ${simulations[odd]!.length} points, the real prices ${points}`,
      'Every path has as many points as the real prices.',
    );
  const numbers = (xs: readonly (number | null)[]): Float64Array =>
    Float64Array.from(xs, (x) => x ?? Number.NaN);
  const paths = { count: simulations.length, points, prices: numbers(simulations.flat()) };
  const { total, intervals } = scorePaths(paths, numbers(real), rules.increment_s, scoringIntervals(rules));
  if (o.json) process.stdout.write(`${JSON.stringify({ total, intervals })}\n`);
  else
    process.stdout.write(
      `${table(['interval', 'CRPS'], [...Object.entries(intervals).map(([name, sum]) => [name, String(sum)]), ['total', String(total)]])}\n`,
    );
}

type Cell = (name: string) => string;

/** Lines of a CSV file as a function from column to cell, with the line's number; columns that must be there are named. */
export function readCsv<T>(
  path: string,
  required: readonly string[],
  read: (cell: Cell, has: (column: string) => boolean, where: string) => T,
): T[] {
  const [head = '', ...lines] = readText(path)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '');
  const columns = head.split(',').map((c) => c.trim());
  const missing = required.filter((c) => !columns.includes(c));
  if (missing.length > 0)
    throw usage(`${path} has no column ${missing.join(', ')}`, 'The first line names the columns.');
  return lines.map((line, i) => {
    const cells = line.split(',');
    return read(
      (name) => (cells[columns.indexOf(name)] ?? '').trim(),
      (name) => columns.includes(name),
      `${path} line ${i + 2}`,
    );
  });
}

/** Unix seconds of a cell that holds them or an ISO time, UTC when it names no zone. Throws SWARM_E_USAGE. */
export function timeOf(text: string, where: string): number {
  const time_s = /^\d+(\.\d+)?$/.test(text)
    ? Number(text)
    : Date.parse(/[Zz]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`) / 1000;
  if (Number.isFinite(time_s)) return time_s;
  throw usage(`${where}: scored_time "${text}"`, 'Give an ISO time or unix seconds.');
}

/**
 * Rows of a scores file: miner_id, prompt_score, scored_time, asset, and optionally percentile90, lowest_score,
 * competition and crps.
 */
export function readScores(path: string): (ScoreRow & { competition?: string; crps?: number })[] {
  const required = ['miner_id', 'prompt_score', 'scored_time', 'asset'];
  return readCsv(path, required, (cell, has, where) => {
    const optional = (name: string): number | undefined =>
      has(name) && cell(name) !== '' ? Number(cell(name)) : undefined;
    const scored_time_s = timeOf(cell('scored_time'), where);
    const miner_id = Number(cell('miner_id'));
    if (cell('miner_id') === '' || !Number.isInteger(miner_id))
      throw usage(`${where}: miner_id "${cell('miner_id')}"`, 'Give a whole number.');
    const score = cell('prompt_score');
    const fill = optional('percentile90');
    const lowest = optional('lowest_score');
    const crps = optional('crps');
    return {
      miner_id,
      prompt_score: score === '' || Number.isNaN(Number(score)) ? null : Number(score),
      scored_time_s,
      asset: cell('asset'),
      ...(fill === undefined ? {} : { fill }),
      ...(lowest === undefined ? {} : { lowest }),
      ...(has('competition') ? { competition: cell('competition') } : {}),
      ...(crps === undefined ? {} : { crps }),
    };
  });
}

/** Smoothed score and weight per miner, by the profile's rules at an instant. Infinite smoothed scores print as null. */
export function rewardsCommand(o: {
  profile: string;
  competition: string;
  scores: string;
  at: Date;
  json?: boolean;
}): void {
  const profile = loadProfile(o.profile);
  const rules = findCompetition(profile, o.competition);
  const rows = readScores(o.scores);
  const now_s = o.at.getTime() / 1000;
  const { coefficients, default_coefficient } = profile;
  const smoothed = smoothedScores(rows, {
    now_s,
    window_days: rules.window_days,
    coefficients,
    default_coefficient,
  });
  const weights = competitionWeights(rows, profile, rules, now_s);
  const miners = [...smoothed].map(([miner_id, score]) => ({
    miner_id,
    smoothed: Number.isFinite(score) ? score : null,
    weight: weights.get(miner_id) ?? 0,
  }));
  if (o.json) process.stdout.write(`${JSON.stringify(miners)}\n`);
  else
    process.stdout.write(
      `${table(
        ['miner', 'smoothed', 'weight'],
        miners.map((m) => [String(m.miner_id), String(m.smoothed ?? 'inf'), String(m.weight)]),
      )}\n`,
    );
}

/** The text of `simulation_output` inside a miner's reply, or the whole text when it is the bare array. */
function outputText(text: string): string {
  const at = text.search(/"simulation_output"\s*:/);
  if (at < 0) return text;
  const from = text.indexOf('[', at);
  if (from < 0) return 'null';
  // The array holds numbers and arrays only, so brackets decide where it ends.
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    if (text[i] === '[') depth += 1;
    else if (text[i] === ']' && --depth === 0) return text.slice(from, i + 1);
  }
  return text.slice(from);
}

/** Prints the validator's own verdict text; true when it is CORRECT. */
export function validateCommand(o: {
  profile: string;
  prompt: string;
  response: string;
  processTime: number;
}): boolean {
  const body = readJson(o.prompt) as { simulation_input?: unknown };
  const prompt = parsePrompt(body?.simulation_input ?? body);
  const verdict = validateResponseText(
    outputText(readText(o.response)),
    prompt,
    o.processTime,
    loadProfile(o.profile).response_rule,
  );
  process.stdout.write(`${verdict}\n`);
  return verdict === 'CORRECT';
}
