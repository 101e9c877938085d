// Files that the laboratory is given: specs and artifacts. Wrong ones are refused by name.
import { readFileSync } from 'node:fs';
import { SwarmError } from '../../blackboard/errors.js';
import { families, parseSpec, type Spec } from '../../forecast/families/index.js';

const usage = (message: string, hint: string): SwarmError => new SwarmError('SWARM_E_USAGE', message, hint);

export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw usage(`${path} cannot be read: ${(error as Error).message}`, 'Name a readable file.');
  }
}

/** Throws SWARM_E_USAGE for what is no JSON and SWARM_E_SPEC_INVALID for what is no spec. */
export function readSpec(path: string): Spec {
  const text = Buffer.from(readBytes(path)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw usage(`${path} is not JSON: ${(error as Error).message}`, 'Write one spec as a JSON object.');
  }
  return parseSpec(value);
}

/** The spec that a family's search begins with. */
export function startSpec(family: string, asset: string, horizon_s: number): Spec {
  if (Object.hasOwn(families, family))
    return parseSpec(families[family as Spec['family']].start(asset, horizon_s));
  throw usage(`unknown family "${family}"`, `Families: ${Object.keys(families).join(', ')}.`);
}

/** Exactly one of several options. */
export function oneOf(given: Readonly<Record<string, string | undefined>>): void {
  const names = Object.keys(given);
  const chosen = names.filter((name) => given[name] !== undefined);
  if (chosen.length !== 1)
    throw usage(
      `${chosen.length === 0 ? 'none' : chosen.join(' and ')} of ${names.join(', ')} given`,
      'Give exactly one of them.',
    );
}
