// JSON as language models write it: fenced, with remarks around it, trailing commas, numbers in quotes. What can be
// meant in one way only is read so; everything else is refused with what is wrong, for the model to read.
// Promises: total and linear in the text; a value that passes has passed the schema.
import { z } from 'zod';
import { SwarmError } from '../../blackboard/errors.js';

const LONGEST = 200_000;

/** The JSON value in a text. Throws SWARM_E_LLM_RESPONSE. */
export function readJson(text: string): unknown {
  if (text.length > LONGEST) throw unreadable(`an answer of ${text.length} characters`);
  const fenced = /```(?:json|JSON)?\s*\n?([\s\S]*?)```/.exec(text)?.[1];
  for (const candidate of [text, fenced, bracketed(fenced ?? text)]) {
    if (candidate === undefined) continue;
    for (const form of [candidate, withoutTrailingCommas(candidate)])
      try {
        return JSON.parse(form);
      } catch {
        // The next form.
      }
  }
  throw unreadable(`no JSON in "${text.slice(0, 80)}"`);
}

const unreadable = (what: string): SwarmError =>
  new SwarmError('SWARM_E_LLM_RESPONSE', what, 'Answer with one JSON object and nothing else.');

/** From the first bracket to the one that closes it, strings skipped. */
function bracketed(text: string): string | undefined {
  const from = text.search(/[{[]/);
  if (from < 0) return undefined;
  let depth = 0;
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i += 1;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '{' || c === '[') depth += 1;
    else if (c === '}' || c === ']') {
      depth -= 1;
      if (depth === 0) return text.slice(from, i + 1);
    }
  }
  return undefined;
}

/** Commas before a closing bracket, outside of strings. */
function withoutTrailingCommas(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (match) => (match === ',' ? '' : match));
}

/** The value of a text under a schema; see {@link readAs}. */
export const readTextAs = <T>(schema: z.ZodType<T>, text: string): T => readAs(schema, readJson(text));

/**
 * A value under a schema; where the schema wants a number, a boolean or a structure and the value is a string that
 * spells one, it counts as such. Throws SWARM_E_LLM_RESPONSE with every path that is wrong.
 */
export function readAs<T>(schema: z.ZodType<T>, value: unknown): T {
  let current = value;
  // Each round mends what the last one found; a mended structure may hold more to mend.
  for (let round = 0; round < 4; round++) {
    const parsed = schema.safeParse(current);
    if (parsed.success) return parsed.data;
    const mended = parsed.error.issues.reduce((v, issue) => mend(v, issue), structuredClone(current));
    if (JSON.stringify(mended) === JSON.stringify(current)) throw unfit(parsed.error);
    current = mended;
  }
  const last = schema.safeParse(current);
  if (last.success) return last.data;
  throw unfit(last.error);
}

function unfit(error: z.ZodError): SwarmError {
  const issues = error.issues
    .slice(0, 8)
    .map((i) => `${i.path.join('.') || 'value'}: ${i.message}`)
    .join('; ');
  return new SwarmError('SWARM_E_LLM_RESPONSE', issues, 'Correct these fields and answer again.');
}

function mend(value: unknown, issue: z.core.$ZodIssue): unknown {
  if (issue.code !== 'invalid_type') return value;
  const { path, expected } = issue;
  let holder: unknown = { root: value };
  const steps: PropertyKey[] = ['root', ...path];
  const whole = holder as { root: unknown };
  for (const step of steps.slice(0, -1)) holder = (holder as Record<PropertyKey, unknown>)?.[step];
  const last = steps.at(-1)!;
  if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, last)) return value;
  const slot = holder as Record<PropertyKey, unknown>;
  const meant = typeof slot[last] === 'string' ? meaning(slot[last], expected) : undefined;
  if (meant !== undefined) slot[last] = meant;
  return whole.root;
}

/** What a string spells of the expected type; undefined when it spells none. */
function meaning(text: string, expected: string): unknown {
  const plain = text.trim();
  if (expected === 'number' || expected === 'int')
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : undefined;
  if (expected === 'boolean') return { true: true, false: false }[plain.toLowerCase()];
  if (expected === 'object' || expected === 'array' || expected === 'record')
    try {
      return readJson(plain);
    } catch {
      return undefined;
    }
  return undefined;
}

/** The JSON schema that a model is given for a tool's arguments or an answer. */
export function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
}
