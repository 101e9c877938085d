// What an agent's own verified experiments show, as patterns for everybody.
// Promises: a pattern is noted only with the direction that its own verdicts have, inside against outside.
// Leaves to trust: what it is worth; a pattern is believed for what verdicts of all show.
import { mean } from 'simple-statistics';
import { z } from 'zod';
import type { Spec } from '../../../forecast/families/index.js';
import { at } from '../space.js';
import type { Tried } from '../strategist.js';
import { DATA, type Thought } from './loop.js';
import { specAsData } from './prompt.js';
import { assertRegion, refused, regionFields } from './region.js';
import type { Turn } from './tools.js';

const pattern = z.object({
  family: z.string(),
  ...regionFields,
  effect: z.number().min(-1).max(1),
  note: z.string().max(300).default(''),
});
const answer = z.object({ patterns: z.array(pattern).min(1).max(3) });
type Summary = z.infer<typeof answer>;

const SYSTEM = [
  // What is asked for is checkable, so that nothing else comes back.
  'State one to three patterns that these verified experiments show: a family, or a range of one of its knobs, and by how much its verified gain lies above (effect > 0) or below the others. Answer with JSON: {"patterns": [{"family", "knob", "low", "high", "effect", "note"}]}.',
  // The check, told beforehand.
  'Each needs two experiments or more inside and outside, and the sign that their gains have.',
  DATA,
].join('\n');

/** Fewer verdicts show nothing. */
const ENOUGH = 6;
const EACH_SIDE = 2;

type Judged = Tried & { readonly verdict: NonNullable<Tried['verdict']> };

/** The agent's owner's own experiments with verdicts; empty where they are too few. */
export async function toSummarise({ desk }: Turn): Promise<Judged[]> {
  const own = (await desk.tried(300)).filter(
    (t) => t.owner === desk.owner && t.verdict !== undefined,
  ) as Judged[];
  return own.length < ENOUGH ? [] : own;
}

export function summarising(turn: Turn, own: readonly Judged[]): Thought<Summary> {
  const { desk } = turn;
  return {
    system: SYSTEM,
    data: {
      slot: turn.briefing.slot,
      experiments: own.slice(0, 40).map((t) => ({
        spec: specAsData(t.spec, desk.owner, desk.owner),
        verified_gain: t.verdict.gain,
        se: t.verdict.se,
      })),
    },
    answer,
    async check({ patterns }) {
      for (const one of patterns) assertShown(one, own);
      for (const { effect, ...rest } of patterns)
        await desk.note({ ...rest, effect, direction: Math.sign(effect) });
    },
  };
}

function assertShown(one: z.infer<typeof pattern>, own: readonly Judged[]): void {
  const { knob, low, high, effect } = one;
  const name = assertRegion(one.family, one);
  const inside = (t: Judged): boolean => {
    const value = knob === null ? null : at(t.spec, knob);
    return (
      (t.spec as Spec).family === name &&
      (value === null || (typeof value === 'number' && value >= low! && value <= high!))
    );
  };
  const gains = (wanted: boolean): number[] =>
    own.filter((t) => inside(t) === wanted).map((t) => t.verdict.gain);
  const [within, without] = [gains(true), gains(false)];
  if (within.length < EACH_SIDE || without.length < EACH_SIDE)
    throw refused(
      `${within.length} experiments inside and ${without.length} outside`,
      'Choose a range that splits them.',
    );
  const shown = mean(within) - mean(without);
  if (!(effect * shown > 0))
    throw refused(
      `the experiments show ${shown.toPrecision(2)} inside against outside`,
      'State what they show.',
    );
}
