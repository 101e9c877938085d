// Mutations of programs in the recursion language: numbers move inside their bounds, terms change for related ones, and two
// programs of the same states exchange an update. What comes out is text; the language's own checker says whether it is a program.
import type { Rng } from '../../forecast/rng.js';

/** Terms that may stand for one another: what counts of a return. */
const TERMS: readonly (readonly string[])[] = [
  ['r^2', 'abs(r)^1.5', 'min(r^2, 25)'],
  ['abs(z)', 'min(abs(z), 4)', 'sqrt(abs(z) + 0.01)'],
  ['(r < 0)', '(r < -1)', 'sigmoid(-4 * r)'],
];
const PARAM =
  /^(\s*param\s+\w+\s*=\s*)([-+\d.eE]+)(\s+in\s*\[\s*)([-+\d.eE]+)(\s*,\s*)([-+\d.eE]+)(\s*\].*)$/;

const pick = <T>(options: readonly T[], rng: Rng): T => options[rng.int(options.length)] as T;

/** A neighbour of a program; the same one where nothing in it can change. */
export function mutateProgram(program: string, width: number, rng: Rng): string {
  return rng.uniform() < 0.6 ? moveNumber(program, width, rng) : exchangeTerm(program, rng);
}

/** The start of one fitted parameter: where a search begins decides where it ends. */
function moveNumber(program: string, width: number, rng: Rng): string {
  const lines = program.split('\n');
  const params = lines.flatMap((line, i) => (PARAM.test(line) ? [i] : []));
  if (params.length === 0) return exchangeTerm(program, rng);
  const at = pick(params, rng);
  const [, head, value, open, low, comma, high, rest] = PARAM.exec(lines[at]!)!;
  const [lo, hi] = [Number(low), Number(high)];
  const moved = Math.min(hi, Math.max(lo, Number(value) + rng.normal() * width * (hi - lo)));
  // Now and then it is fixed: fewer parameters are fitted better.
  lines[at] =
    rng.uniform() < 0.15
      ? `${head}${moved.toPrecision(4)}`
      : `${head}${moved.toPrecision(4)}${open}${low}${comma}${high}${rest}`;
  return lines.join('\n');
}

function exchangeTerm(program: string, rng: Rng): string {
  const code = program.replace(/#.*$/gm, (c) => c.replace(/./g, ' '));
  const places = TERMS.flatMap((terms) =>
    terms.flatMap((term) => {
      const at = code.indexOf(term);
      return at < 0 ? [] : [{ term, at, others: terms.filter((t) => t !== term) }];
    }),
  );
  if (places.length === 0) return program;
  const { term, at, others } = pick(places, rng);
  return program.slice(0, at) + pick(others, rng) + program.slice(at + term.length);
}

const UPDATE = /^\s*(\w+)'\s*=/;

/** The first program with one update of the second, where both have the state. */
export function crossPrograms(a: string, b: string, rng: Rng): string {
  const updates = new Map(
    b.split('\n').flatMap((line) => (UPDATE.test(line) ? [[UPDATE.exec(line)![1]!, line] as const] : [])),
  );
  const lines = a.split('\n');
  const shared = lines.flatMap((line, i) => (updates.has(UPDATE.exec(line)?.[1] ?? '') ? [i] : []));
  if (shared.length === 0) return rng.uniform() < 0.5 ? a : b;
  const at = pick(shared, rng);
  lines[at] = updates.get(UPDATE.exec(lines[at]!)![1]!)!;
  return lines.join('\n');
}
