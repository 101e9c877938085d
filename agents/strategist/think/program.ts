// The recursion language in a few lines, and a check that costs nothing.
// Promises: what the language's own checker says, with line and column, and the lesson of its kind of error.
import { families, parseSpec } from '../../../forecast/families/index.js';
import { lessonOf } from '../catalogue.js';
import type { Task } from '../strategist.js';

/** Enough of docs/recursion.md to write a program; a model that wants more reads the library's. */
export const LANGUAGE = [
  'One statement a line: param a = 0.1 in [0, 1] (fitted) | param a = 0.1 (constant) | state v = 1 in [1e-4, 1e4] | let s = ... |',
  "v' = ... (exactly one update per state) | variance = ... (of the next return, of states and parameters alone; 1 is its mean).",
  'r is the last return over the training deviation, z the same over the expected one. Operators + - * / ^ < <= > >= == != and or not;',
  'functions exp log sqrt sigmoid abs tanh sign min max clip if. At most 4 states, 12 parameters, 2000 characters.',
].join(' ');

/** Programs to begin with. */
export const examplePrograms = (): unknown[] => (families.recursion.choices?.['program'] ?? []).slice(0, 2);

export function checkProgram(program: string | undefined, task: Task): unknown {
  const { start } = families.recursion;
  if (program === undefined) return { language: LANGUAGE, programs: examplePrograms() };
  const first = start(task.asset, task.horizon_s);
  try {
    const spec = parseSpec({ ...first, program });
    return { valid: true, spec };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code !== 'SWARM_E_SPEC_INVALID') throw error;
    return { valid: false, error: message.slice(0, 500), lesson: lessonOf(message) };
  }
}
