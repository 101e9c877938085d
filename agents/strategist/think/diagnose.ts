// What failed attempts have in common, in a model's words and a region that the failures bear out: an antipattern for everybody.
// Promises: a region is noted only where it holds most failures of its kind and nothing that worked. Leaves to antipatterns.ts:
// what counting alone finds.
import { z } from 'zod';
import { families, type Spec } from '../../../forecast/families/index.js';
import { fails } from '../antipatterns.js';
import { catalogue, type KnownError } from '../catalogue.js';
import { at } from '../space.js';
import { DATA, type Thought } from './loop.js';
import { quote } from './quoted.js';
import { assertRegion, refused, regionFields } from './region.js';
import type { Turn } from './tools.js';

const answer = z.object({
  ...regionFields,
  lesson: z.string().min(1).max(300),
});
type Diagnosis = z.infer<typeof answer>;

const SYSTEM = [
  // One error at a time: a diagnosis of everything is one of nothing.
  'Attempts to fit one family of models fail alike. Say why, and where: the knob and the range in which they fail, or null for all of it. Answer with JSON: {"knob", "low", "high", "lesson"}.',
  // The check, told beforehand: it saves a turn.
  'A range must hold most of the failed specs and none that worked.',
  DATA,
].join('\n');

/** Fewer failures alike need no diagnosis. */
const OFTEN = 3;

/** The most frequent error that is worth asking about; null where there is none. */
export async function toDiagnose(turn: Turn): Promise<KnownError | null> {
  const noted = new Set((await turn.desk.noted(100)).map((n) => n.note));
  const known = catalogue(await turn.desk.failures(200));
  return (
    known.find(
      (e) =>
        e.times >= OFTEN && Object.hasOwn(families, e.family) && ![...noted].some((n) => n.includes(e.form)),
    ) ?? null
  );
}

export async function diagnosing(turn: Turn, error: KnownError): Promise<Thought<Diagnosis>> {
  const { desk } = turn;
  const { family } = error;
  const failed = (await desk.failures(200)).flatMap((f) =>
    f.family === family && f.code === error.code && f.spec !== undefined ? [f.spec] : [],
  );
  const worked = (await desk.tried(200)).filter((t) => t.spec['family'] === family).map((t) => t.spec);
  const knobs = Object.keys(families[family as Spec['family']].knobs);
  const numbers = (spec: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(knobs.flatMap((k) => (typeof at(spec, k) === 'number' ? [[k, at(spec, k)]] : [])));
  return {
    system: SYSTEM,
    data: {
      slot: turn.briefing.slot,
      family,
      code: error.code,
      error: quote(error.example, '', desk.owner),
      times: error.times,
      knobs: families[family as Spec['family']].knobs,
      failed: failed.slice(0, 12).map(numbers),
      worked: worked.slice(0, 12).map(numbers),
    },
    answer,
    async check({ knob, low, high, lesson }) {
      assertRegion(family, { knob, low, high });
      const region = [{ family, knob, low, high, code: error.code, form: error.form, times: error.times }];
      const inside = failed.filter((spec) => fails(spec, region)).length;
      if (inside * 2 <= failed.length)
        throw refused(
          `it holds ${inside} of ${failed.length} failures`,
          'Give a range that holds most of them.',
        );
      const sound = worked.filter((spec) => fails(spec, region)).length;
      if (sound > 0) throw refused(`${sound} specs in it worked`, 'Narrow it, or name another knob.');
      await desk.note({
        family,
        knob,
        low,
        high,
        direction: -1,
        effect: -1,
        note: `${error.form}: ${lesson}`,
      });
    },
  };
}
