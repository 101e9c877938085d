// What a validator asks for: one asset, one start, a grid and a number of paths (simulation_input.py).
// Promises that an accepted prompt is small enough to answer, on a grid that bars have, and dated unambiguously. Any asset and
// any sane length is accepted, also those that no profile lists. Leaves transport and deadlines to the axon.
import { z } from 'zod';
import { Sn50Error } from './errors.js';

/** Bounds of a prompt that this miner answers; far beyond what the subnet asks, small enough for one process. */
export const promptBounds = {
  /** A week: seven times the longest horizon that any model is judged on. */
  length_s: 7 * 86_400,
  /** Whole minutes, the finest bars there are: no model knows what happens within one. They divide the length. */
  increment_s: 60,
  /** A week of minutes. */
  points: 10_081,
  simulations: 10_000,
  /**
   * simulations x points, and as many simulated steps: ten times the subnet's largest prompt. The slowest family takes about
   * a second for them and 260 MiB; as numbers they are 24 MB, as text twice that, and four prompts are answered at once.
   */
  prices: 3_000_000,
} as const;

export const simulationInput = z
  .object({
    asset: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,31}$/),
    /** ISO 8601, on the wire always `YYYY-MM-DDTHH:MM:SS+00:00`. */
    start_time: z.string().refine((text) => startSeconds(text) !== null, 'not an ISO 8601 date and time'),
    /** Seconds between two points. */
    time_increment: z.int().min(promptBounds.increment_s).multipleOf(promptBounds.increment_s),
    /** Seconds from the first to the last point. */
    time_length: z.int().min(1).max(promptBounds.length_s),
    num_simulations: z.int().min(1).max(promptBounds.simulations),
  })
  .superRefine((prompt, context) => {
    const points = pointsOf(prompt);
    if (prompt.time_length % prompt.time_increment !== 0)
      context.addIssue({ code: 'custom', message: 'the increment does not divide the length' });
    if (points < 2 || points > promptBounds.points)
      context.addIssue({ code: 'custom', message: `${points} points per path` });
    if (points * prompt.num_simulations > promptBounds.prices)
      context.addIssue({
        code: 'custom',
        message: `${points * prompt.num_simulations} prices in one answer`,
      });
  });

export type Prompt = Readonly<z.infer<typeof simulationInput>>;

/** Points per path that the validator expects: time_length // time_increment + 1 (response_validation_v2.py). */
export function pointsOf(prompt: Pick<Prompt, 'time_length' | 'time_increment'>): number {
  return Math.floor(prompt.time_length / prompt.time_increment) + 1;
}

/** Reads `simulation_input` off the wire. Throws `SWARM_E_PROMPT_REFUSED` saying which field is out of bounds. */
export function parsePrompt(value: unknown): Prompt {
  const result = simulationInput.safeParse(value);
  if (result.success) return result.data;
  throw new Sn50Error(
    'SWARM_E_PROMPT_REFUSED',
    `prompt refused: ${z.prettifyError(result.error)}`,
    'the sender must ask within the bounds of promptBounds',
  );
}

/** round_time_to_minutes of the subnet's helpers.py: the next whole minute after `now_s`, plus `extra_s`. */
export function nextMinute(now_s: number, extra_s = 0): number {
  return Math.floor((now_s + 60) / 60) * 60 + extra_s;
}

/**
 * Unix seconds at which a prompt sent at `now_s` starts: floor_minute(now + 60 s) + extra (timeout_extra_seconds,
 * 60 s unless a competition says otherwise). Its deadline is the same moment.
 */
export function promptStart(now_s: number, extra_s = 60): number {
  return nextMinute(now_s, extra_s);
}

/** Whole unix seconds as the validator writes them: `2026-01-15T12:02:00+00:00`. */
export function formatStart(start_s: number): string {
  return `${new Date(start_s * 1000).toISOString().slice(0, 19)}+00:00`;
}

/** Unix seconds of a start_time, truncated as Python's int() does. Throws `SWARM_E_PROMPT_REFUSED`. */
export function parseStart(start_time: string): number {
  const seconds = startSeconds(start_time);
  if (seconds !== null) return seconds;
  throw new Sn50Error(
    'SWARM_E_PROMPT_REFUSED',
    `not an ISO 8601 date and time: ${JSON.stringify(start_time)}`,
    'write it like 2026-01-15T12:02:00+00:00',
  );
}

const iso = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?$/;

// A start without an offset is read as UTC: the validator would use its own zone, and validators run in UTC.
function startSeconds(text: string): number | null {
  const match = iso.exec(text);
  if (!match) return null;
  const [, date, minute, second = ':00', zone = 'Z'] = match;
  const ms = Date.parse(`${date}T${minute}${second}${zone}`);
  return Number.isNaN(ms) ? null : Math.trunc(ms / 1000);
}
