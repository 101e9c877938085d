// The tools of a decision: what a model may call, with arguments as schemas, and what each does.
// Promises: which tools there are follows from the task kind alone, never from what anybody wrote; reading changes nothing;
// a proposal that comes through is valid, fits the slot, and is new. A refusal says why, for the model to read.
// Leaves to others: the conversation (think.ts), what the desk reads (runtime/desk.ts).
import { z } from 'zod';
import { families, parseSpec, type Spec, specDigest } from '../../../forecast/families/index.js';
import type { Briefing } from '../../../trust/briefing.js';
import type { ToolSpec } from '../../llm/client.js';
import { jsonSchemaOf, readAs, readJson } from '../../llm/repair.js';
import type { TaskKind } from '../../llm/settings.js';
import { catalogue } from '../catalogue.js';
import { misfit, searchedFamilies } from '../space.js';
import type { Desk, Proposal, Task } from '../strategist.js';
import { fitSurrogate, type Surrogate } from '../surrogate.js';
import { checkProgram } from './program.js';
import { specAsData } from './prompt.js';
import { quote } from './quoted.js';
import { assertRegion, refused, regionFields } from './region.js';

/** What the tools of one decision share. */
export interface Turn {
  readonly desk: Desk;
  readonly task: Task;
  readonly briefing: Briefing;
  surrogate?: Surrogate | null;
  probes: number;
  notes: number;
  proposal?: Proposal;
}

interface Tool<A> {
  readonly name: string;
  readonly description: string;
  readonly args: z.ZodType<A>;
  readonly run: (args: A, turn: Turn) => Promise<unknown>;
}

const PROBES = 2;

const spec = z.record(z.string(), z.unknown());
const some = z.int().min(1).max(40).default(15);

/** A spec that may be tried on the slot. Throws SWARM_E_SPEC_INVALID or SWARM_E_TOOL_REFUSED. */
export function fitting(value: unknown, task: Task): Spec {
  const parsed = parseSpec(value);
  if (!searchedFamilies().includes(parsed.family))
    throw refused(`${parsed.family} is not searched`, 'list_families names those that are.');
  if ('horizon_s' in parsed && parsed.horizon_s !== task.horizon_s)
    throw refused(`horizon_s is ${parsed.horizon_s}, the slot's is ${task.horizon_s}`, 'Set it to that.');
  const why = misfit(parsed, task);
  if (why !== null) throw refused(why, 'Change the spec.');
  return parsed;
}

const tool = <A>(one: Tool<A>): Tool<unknown> => one as Tool<unknown>;

const listFamilies = tool({
  name: 'list_families',
  description:
    'Families with a spec to start from, knobs with ranges, and components. One family in full, or all in short.',
  args: z.object({ family: z.string().optional() }),
  async run({ family }, { task }) {
    const names = searchedFamilies();
    if (family === undefined)
      return names.map((name) => ({
        family: name,
        knobs: Object.keys(families[name].knobs),
        components: Object.keys(families[name].choices ?? {}),
      }));
    const name = names.find((one) => one === family);
    if (name === undefined) throw refused(`no family ${family}`, `There are: ${names.join(', ')}.`);
    const { knobs, nested, choices, start } = families[name];
    return { start: start(task.asset, task.horizon_s), knobs, nested, components: choices };
  },
});

const queryExperiments = tool({
  name: 'query_experiments',
  description:
    'Experiments on this slot, best first: specs with gains on public windows, as stated by who ran them.',
  args: z.object({ family: z.string().optional(), limit: some }),
  async run({ family, limit }, { desk }) {
    const tried = await desk.tried(200);
    return tried
      .filter((t) => family === undefined || t.spec['family'] === family)
      .sort((a, b) => b.gain - a.gain)
      .slice(0, limit)
      .map((t) => ({
        id: t.spec_digest.slice(0, 12),
        spec: specAsData(t.spec, t.owner, desk.owner),
        gain: round(t.gain),
        se: round(t.se),
      }));
  },
});

const queryPatterns = tool({
  name: 'query_patterns',
  description: 'Patterns that agents stated about specs of this slot, with what verdicts make of them.',
  args: z.object({ limit: some }),
  async run({ limit }, { desk }) {
    return (await desk.noted(limit)).map(({ owner, note, family, id, ...rest }) => ({
      id: id.slice(-12),
      ...rest,
      family: family === null ? null : quote(family, owner, desk.owner),
      note: quote(note, owner, desk.owner),
    }));
  },
});

const compareSpecs = tool({
  name: 'compare_specs',
  description: 'What differs between two to five specs that were tried or verified, by their ids.',
  args: z.object({ ids: z.array(z.string()).min(2).max(5) }),
  async run({ ids }, turn) {
    const known = await knownSpecs(turn);
    const chosen = ids.map((id) => {
      const one = known.find((k) => k.spec_digest.startsWith(id) && id.length >= 6);
      if (one === undefined)
        throw refused(`no spec ${id}`, 'Use ids from the briefing or query_experiments.');
      return one;
    });
    const fields = [...new Set(chosen.flatMap((c) => Object.keys(c.spec)))].filter(
      (f) => new Set(chosen.map((c) => JSON.stringify(c.spec[f]))).size > 1,
    );
    return chosen.map((c, i) => ({
      id: ids[i],
      gain: round(c.gain),
      differs: specAsData(
        Object.fromEntries(fields.map((f) => [f, c.spec[f] ?? null])),
        c.owner,
        turn.desk.owner,
      ),
    }));
  },
});

const predictScore = tool({
  name: 'predict_score',
  description:
    'A guess at the gain of up to eight specs from everything tried, with its standard deviation. Free.',
  args: z.object({ specs: z.array(spec).min(1).max(8) }),
  async run({ specs }, turn) {
    turn.surrogate ??= fitSurrogate(await turn.desk.tried(250));
    const { surrogate } = turn;
    if (surrogate === null) throw refused('too few experiments to guess from', 'Propose without.');
    return specs.map((one) => {
      const guess = surrogate.predict(fitting(one, turn.task));
      return { gain: round(guess.gain), sd: round(guess.sd), from: surrogate.n };
    });
  },
});

const probe = tool({
  name: 'probe',
  description: `Fits a spec and scores it on a few windows. Takes seconds; ${PROBES} a decision.`,
  args: z.object({ spec }),
  async run(args, turn) {
    if (turn.probes >= PROBES) throw refused('no probes are left', 'Propose.');
    const one = fitting(args.spec, turn.task);
    turn.probes += 1;
    const { gain, se, n_windows } = await turn.desk.probe(one);
    return { gain: round(gain), se: round(se), n_windows };
  },
});

const proposeSpec = tool({
  name: 'propose_spec',
  description:
    'Ends the decision with the spec to run. Refused when it is invalid, does not fit the slot, or was run today.',
  args: z.object({ spec, reason: z.string().max(1000), parents: z.array(z.string()).max(4).default([]) }),
  async run(args, turn) {
    const one = fitting(args.spec, turn.task);
    if (!(await turn.desk.isNew(one)))
      throw refused('this spec was run today', 'Change a knob by more than noise.');
    const known = args.parents.length === 0 ? [] : await knownSpecs(turn);
    const parents = args.parents.flatMap((id) => {
      const parent = known.find((k) => id.length >= 6 && k.spec_digest.startsWith(id));
      return parent === undefined ? [] : [parent.spec_digest];
    });
    turn.proposal = { spec: one, move: 'think', parents: [...new Set(parents)], reason: args.reason };
    return { accepted: specDigest(one).slice(0, 12) };
  },
});

const statePattern = tool({
  name: 'state_pattern',
  description:
    'Records, for everybody, what the experiments show about a family or a knob of it. One a decision; it is weighed by verdicts.',
  args: z.object({
    family: z.string(),
    ...regionFields,
    effect: z.number().min(-1).max(1),
    note: z.string().max(300).default(''),
  }),
  async run(args, turn) {
    const family = assertRegion(args.family, args);
    const { knob, low, high, effect, note } = args;
    if (effect === 0) throw refused('an effect of 0 is no pattern', 'Say nothing instead.');
    if (turn.notes > 0) throw refused('one pattern a decision', 'Propose.');
    turn.notes += 1;
    await turn.desk.note({ family, knob, low, high, direction: Math.sign(effect), effect, note });
    return { recorded: true };
  },
});

const checkProgramTool = tool({
  name: 'check_program',
  description:
    'Checks a program of the family recursion without running it; without one: the language and examples.',
  args: z.object({ program: z.string().max(4000).optional() }),
  run: async ({ program }, { task }) => checkProgram(program, task),
});

const knownErrors = tool({
  name: 'known_errors',
  description: 'What failed on this slot, alike ones together, with the lesson of each.',
  args: z.object({ family: z.string().optional(), limit: some }),
  async run({ family, limit }, { desk }) {
    return catalogue(await desk.failures(200))
      .filter((e) => family === undefined || e.family === family)
      .slice(0, limit)
      .map(({ family: name, code, times, example, lesson }) => ({
        family: name,
        code,
        times,
        example: quote(example, '', desk.owner),
        lesson,
      }));
  },
});

const all = [
  checkProgramTool,
  knownErrors,

  listFamilies,
  queryExperiments,
  queryPatterns,
  compareSpecs,
  predictScore,
  probe,
  statePattern,
  proposeSpec,
];

/** Tools by task kind: the whole of what a decision may do. */
const allowed: Readonly<Record<TaskKind, readonly Tool<unknown>[]>> = {
  plan: all,
  refine: all.filter((one) => one !== statePattern),
  // Loops of their own, which answer and call nothing (loop.ts).
  author: [],
  diagnose: [],
  summarise: [],
};

export const toolsFor = (kind: TaskKind): ToolSpec[] =>
  allowed[kind].map(({ name, description, args }) => ({ name, description, parameters: jsonSchemaOf(args) }));

/** Runs a tool by name with arguments as a model wrote them. Throws SWARM_E_* with what the model should read. */
export async function callTool(kind: TaskKind, name: string, text: string, turn: Turn): Promise<unknown> {
  const one = allowed[kind].find((t) => t.name === name);
  if (one === undefined)
    throw refused(
      `there is no tool ${name.slice(0, 60)}`,
      `There are: ${allowed[kind].map((t) => t.name).join(', ')}.`,
    );
  return one.run(readAs(one.args, text.trim() === '' ? {} : readJson(text)), turn);
}

const round = (x: number): number => Number(x.toPrecision(3));

async function knownSpecs({ briefing, desk }: Turn) {
  const told = briefing.specs.map((s) => ({ ...s, gain: s.verified_gain }));
  return [...told, ...(await desk.tried(200))];
}
