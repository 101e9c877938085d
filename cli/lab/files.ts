// Files that the laboratory is given or writes: specs, artifacts, pictures. Wrong ones are refused by name.
// Promises: what cannot be written is refused before anything is computed for it.
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SwarmError } from '../../blackboard/errors.js';
import { families, parseSpec, type Spec } from '../../forecast/families/index.js';
import type { LabSlot } from './slot.js';

const usage = (message: string, hint: string): SwarmError => new SwarmError('SWARM_E_USAGE', message, hint);

export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw usage(`${path} cannot be read: ${(error as Error).message}`, 'Name a readable file.');
  }
}

const unwritable = (path: string, error: unknown): SwarmError =>
  usage(`${path} cannot be written: ${(error as Error).message}`, 'Name a path in a directory that can be.');

/** Throws SWARM_E_USAGE when the directory of a file to be written is missing or closed. */
export function assertWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

export function writeFile(path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(path, content);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Makes a directory if need be. */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
    accessSync(path, constants.W_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

/** Throws SWARM_E_USAGE for what is no JSON and SWARM_E_SPEC_INVALID for what is no spec. */
export function readSpec(path: string, slot: Pick<LabSlot, 'slot' | 'rules'>): Spec {
  const text = Buffer.from(readBytes(path)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw usage(`${path} is not JSON: ${(error as Error).message}`, 'Write one spec as a JSON object.');
  }
  const spec = parseSpec(value);
  // Its level and tail would be fitted for another horizon: possible, and hardly ever meant.
  if ('horizon_s' in spec && spec.horizon_s !== slot.rules.length_s)
    process.stderr.write(
      `${path} is a spec for a horizon of ${spec.horizon_s} s; ${slot.slot} has ${slot.rules.length_s} s\n`,
    );
  return spec;
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
