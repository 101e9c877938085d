// The author's thought: a volatility recursion that nobody has tried. The loop repairs it with what the compiler says.
// Promises: what is proposed is a valid program that fits the slot and was not run today. Leaves to others: whether it is any good.
import { z } from 'zod';
import { families } from '../../../forecast/families/index.js';
import { catalogue } from '../catalogue.js';
import { DATA, type Thought } from './loop.js';
import { checkProgram, examplePrograms, LANGUAGE } from './program.js';
import { quote } from './quoted.js';
import { refused } from './region.js';
import { fitting, type Turn } from './tools.js';

const answer = z.object({ program: z.string().max(4000), reason: z.string().max(1000).default('') });
type Written = z.infer<typeof answer>;

const SYSTEM = [
  // What is wanted, and what nobody has tried cannot be found by moving numbers.
  'You write a volatility recursion that is not among those tried, for probabilistic price forecasts scored by CRPS. Answer with JSON: {"program", "reason"}.',
  // The whole language: models invent syntax where they are not told any.
  LANGUAGE,
  DATA,
].join('\n');

/** What a model is asked for a program: what is right is a valid spec that nobody has run today, and becomes the turn's proposal. */
export async function authoring(turn: Turn): Promise<Thought<Written>> {
  const { desk, task } = turn;
  const { start } = families.recursion;
  const tried = (await desk.tried(200)).filter((t) => typeof t.spec['program'] === 'string');
  const known = catalogue(await desk.failures(200)).filter((e) => e.family === 'recursion');
  return {
    system: SYSTEM,
    data: {
      slot: turn.briefing.slot,
      bar_s: task.step_s,
      horizon_s: task.horizon_s,
      examples: examplePrograms(),
      tried: [...tried]
        .sort((a, b) => b.gain - a.gain)
        .slice(0, 6)
        .map((t) => ({ gain: t.gain, program: quote(String(t.spec['program']), t.owner, desk.owner) })),
      failed: known
        .slice(0, 6)
        .map((e) => ({ times: e.times, error: quote(e.example, '', desk.owner), lesson: e.lesson })),
    },
    answer,
    async check({ program, reason }) {
      const first = start(task.asset, task.horizon_s);
      const checked = checkProgram(program, task) as { valid: boolean; error?: string; lesson?: string };
      if (!checked.valid) throw refused(checked.error!, checked.lesson!);
      const spec = fitting({ ...first, program }, task);
      if (!(await desk.isNew(spec))) throw refused('this program was run today', 'Change what it does.');
      turn.proposal = { spec, move: 'author', parents: [], reason };
    },
  };
}
