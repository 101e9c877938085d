// The space of specs as a searcher sees it: families with numeric knobs, each scaled to [0, 1], and components to choose
// among, which bring knobs of their own. A draw that the family's own schema refuses, or that would read more history than windows offer, is drawn again.
import {
  type Family,
  families,
  isPooled,
  type Knob,
  parseSpec,
  type Spec,
} from '../../forecast/families/index.js';
import type { Rng } from '../../forecast/rng.js';
import type { ToldPattern } from '../../trust/worth.js';
import { crossPrograms, mutateProgram } from './programs.js';
import type { Task } from './strategist.js';

export type Fields = Record<string, unknown>;

/** Families that are searched; the reference miner is the yardstick of the subnet, not a candidate. */
export const searchedFamilies = (): readonly Spec['family'][] => SEARCHED;
const SEARCHED = (Object.keys(families) as Spec['family'][]).filter((name) => name !== 'gbm').sort();

const REDRAWS = 60;
const KEEP_FITTED = 0.75;
const INCLUDE_OPTIONAL = 0.5;
/** Chance that a new spec draws a component instead of starting without it. */
const CHOOSE = 0.5;

export function scaled(knob: Knob, value: number): number {
  return knob.log
    ? Math.log(value / knob.min) / Math.log(knob.max / knob.min)
    : (value - knob.min) / (knob.max - knob.min);
}

export function unscaled(knob: Knob, u: number): number {
  const clipped = Math.min(1, Math.max(0, u));
  const value = knob.log
    ? knob.min * (knob.max / knob.min) ** clipped
    : knob.min + clipped * (knob.max - knob.min);
  // Six digits tell apart every value that matters, and keep equal specs equal.
  return knob.integer ? Math.round(value) : Number(value.toPrecision(6));
}

/** Why a valid spec does not suit the task, or null. */
export function misfit(spec: Spec, task: Task): string | null {
  // Older bars than every window reaches without a gap are no obstacle to a model that copes with gaps.
  const whole = families[spec.family].wholeBars(spec, task.step_s);
  if (whole > task.max_history_bars)
    return `it reads ${whole} bars of history, ${task.max_history_bars} are there`;
  if (task.peers === 0 && isPooled(spec)) return 'it learns from other assets, and there are none';
  return null;
}

/** The first of up to 60 drafts that is a valid spec for the task; `otherwise` when luck runs out. */
export function drawn(draft: () => Fields, task: Task, otherwise: Spec): Spec {
  for (let i = 0; i < REDRAWS; i++) {
    try {
      const spec = parseSpec(draft());
      if (misfit(spec, task) === null) return spec;
    } catch (error) {
      if ((error as { code?: string }).code !== 'SWARM_E_SPEC_INVALID') throw error;
    }
  }
  return otherwise;
}

/** The value at a dotted path; undefined where a part of the path is missing. */
export function at(fields: Fields, path: string): unknown {
  let value: unknown = fields;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Fields)[name];
  }
  return value;
}

/** Puts a value at a dotted path, in copies of the components and lists on the way. */
export function put(fields: Fields, path: string, value: number | 'fit'): void {
  const names = path.split('.');
  let here = fields;
  for (const name of names.slice(0, -1)) {
    const part = here[name];
    const copy = Array.isArray(part) ? [...part] : { ...(part as Fields) };
    here[name] = copy;
    here = copy as Fields;
  }
  here[names[names.length - 1]!] = value;
}

/** Chooses whole components anew, each with this chance. */
function choose(family: Family<Spec>, fields: Fields, chance: number, first: Spec, rng: Rng): void {
  for (const [field, options] of Object.entries(family.choices ?? {})) {
    if (rng.uniform() >= chance) continue;
    // The hours of a market that closes are not a matter of choice.
    if (field === 'profile' && at(first as Fields, 'profile.closed') === 'learned') continue;
    const option = options[rng.int(options.length)];
    if (option === undefined) delete fields[field];
    else fields[field] = option;
  }
  settle(fields, first);
}

/** A spec names its innovation once: as a component, or by nu alone. */
export function settle(fields: Fields, first: Spec): void {
  if (fields['innovation'] !== undefined) delete fields['nu'];
  else if (fields['nu'] === undefined && 'nu' in first) fields['nu'] = first.nu;
}

function flip(fields: Fields, chance: number, rng: Rng): void {
  for (const [name, value] of Object.entries(fields))
    if (typeof value === 'boolean' && rng.uniform() < chance) fields[name] = !value;
}

interface Turned {
  readonly path: string;
  readonly knob: Knob;
  readonly value: number | 'fit';
}

const ranges = new Map<string, ReadonlyMap<string, Knob>>();

/** Every knob that specs of a family may have, by path. */
export function rangesOf(name: Spec['family']): ReadonlyMap<string, Knob> {
  const { knobs, nested } = families[name];
  const range = ranges.get(name) ?? new Map(Object.entries({ ...knobs, ...nested }));
  ranges.set(name, range);
  return range;
}

const turned = new WeakMap<object, readonly Turned[]>();

/** The knobs that a spec has and where they stand, by path. Found by walking the spec: a pool's family has a thousand. */
export function knobsOf(spec: Spec): readonly Turned[] {
  const before = turned.get(spec);
  if (before !== undefined) return before;
  const range = rangesOf(spec.family);
  const found: Turned[] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null)
      for (const [name, part] of Object.entries(value)) walk(part, path === '' ? name : `${path}.${name}`);
    const knob = range.get(path);
    if (knob !== undefined && (typeof value === 'number' || value === 'fit'))
      found.push({ path, knob, value });
  };
  walk(spec, '');
  // A stored spec comes back with its fields in another order.
  found.sort((a, b) => (a.path < b.path ? -1 : 1));
  turned.set(spec, found);
  return found;
}

/** Takes a number from the fit, or hands one to it: what was right for the training bars may be wrong for a later month. */
function release(parent: Spec, fields: Fields, chance: number, first: Spec, rng: Rng): void {
  for (const { path, knob, value } of knobsOf(parent)) {
    const fitted = value === 'fit';
    if (!fitted && at(first, path) !== 'fit') continue;
    if (rng.uniform() < chance) put(fields, path, fitted ? unscaled(knob, rng.uniform()) : 'fit');
  }
}

/** A spec of one family with every knob drawn from its whole range. */
export function randomSpec(name: Spec['family'], task: Task, rng: Rng): Spec {
  const family: Family<Spec> = families[name];
  const first = family.start(task.asset, task.horizon_s);
  const draft = (): Fields => {
    const fields: Fields = { ...first };
    for (const [field, knob] of Object.entries(family.knobs)) {
      if (!(field in first) && rng.uniform() >= INCLUDE_OPTIONAL) continue;
      if (fields[field] === 'fit' && rng.uniform() < KEEP_FITTED) continue;
      fields[field] = unscaled(knob, rng.uniform());
    }
    choose(family, fields, CHOOSE, first, rng);
    for (const [path, knob] of Object.entries(family.nested ?? {})) {
      const value = at(fields, path);
      if (value === undefined || (value === 'fit' && rng.uniform() < KEEP_FITTED)) continue;
      put(fields, path, unscaled(knob, rng.uniform()));
    }
    flip(fields, 0.5, rng);
    return fields;
  };
  return drawn(draft, task, first);
}

/** A neighbour: each numeric knob moves with probability one half by a normal step of `width` on its [0, 1] scale. */
export function mutateSpec(parent: Spec, width: number, task: Task, rng: Rng): Spec {
  const family: Family<Spec> = families[parent.family];
  const first = family.start(task.asset, task.horizon_s);
  const numeric = knobsOf(parent).filter(({ value }) => value !== 'fit');
  const draft = (): Fields => {
    const fields: Fields = { ...parent };
    const sure = numeric[rng.int(Math.max(1, numeric.length))];
    for (const one of numeric) {
      const move = rng.normal() * width;
      if (one === sure || rng.uniform() < 0.5)
        put(fields, one.path, unscaled(one.knob, scaled(one.knob, one.value as number) + move));
    }
    release(parent, fields, width / 2, first, rng);
    choose(family, fields, width / 2, first, rng);
    flip(fields, width / 2, rng);
    if (typeof fields['program'] === 'string' && rng.uniform() < 0.5)
      fields['program'] = mutateProgram(fields['program'], width, rng);
    return fields;
  };
  return drawn(draft, task, parent);
}

/** A child of two specs of one family: each field from either parent. */
export function crossSpecs(a: Spec, b: Spec, task: Task, rng: Rng): Spec {
  const first = families[a.family].start(task.asset, task.horizon_s);
  const draft = (): Fields => {
    const child: Fields = {};
    for (const field of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const value = ((rng.uniform() < 0.5 ? a : b) as Fields)[field];
      if (value !== undefined) child[field] = value;
    }
    if ('program' in a && 'program' in b && rng.uniform() < 0.5)
      child['program'] = crossPrograms(a.program, b.program, rng);
    settle(child, first);
    return child;
  };
  return drawn(draft, task, a);
}

/** How much what was told speaks for a spec: sum of verified effects, in standard deviations, of patterns it matches. */
export function toldWorth(spec: Spec, patterns: readonly ToldPattern[]): number {
  let worth = 0;
  for (const p of patterns) {
    const value = p.knob === null ? undefined : at(spec as Fields, p.knob);
    const matches =
      (p.family === null || p.family === spec.family) &&
      (p.knob === null || (typeof value === 'number' && value >= p.low! && value <= p.high!));
    if (matches) worth += p.gain / p.sd;
  }
  return worth;
}
