// What keeps failing: the same error again and again in one region of a family, where nothing has ever come out.
// Promises: pure; stated by counts alone, without a model; text of others is carried, never obeyed. Leaves to others: keeping away
// from it (evolve.ts), recording it for everybody (the search).
import { families, type Spec } from '../../forecast/families/index.js';
import { formOf } from './catalogue.js';
import { at, rangesOf, scaled } from './space.js';
import type { FailureSeen, Tried } from './strategist.js';

export interface Antipattern {
  readonly family: string;
  /** With its range; null: the whole family. */
  readonly knob: string | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly code: string;
  readonly form: string;
  readonly times: number;
}

/** Fewer failures alike may be chance: with four and no success, another one is likelier than five in six (Laplace). */
const OFTEN = 4;
/** A wider part of a knob's range is no region. */
const WIDEST = 0.5;

/** Regions that fail, most frequent first. */
export function antipatterns(failures: readonly FailureSeen[], archive: readonly Tried[]): Antipattern[] {
  const groups = new Map<string, FailureSeen[]>();
  for (const failure of failures) {
    const key = JSON.stringify([failure.family, failure.code, formOf(failure.reason)]);
    groups.set(key, [...(groups.get(key) ?? []), failure]);
  }
  const found = [...groups.values()].flatMap((alike) => {
    const [{ family, code, reason }] = alike as [FailureSeen];
    if (alike.length < OFTEN || !Object.hasOwn(families, family)) return [];
    const sound = archive.filter((t) => t.spec['family'] === family).map((t) => t.spec);
    const where = regionOf(family as Spec['family'], alike, sound);
    return where === null ? [] : [{ family, ...where, code, form: formOf(reason), times: alike.length }];
  });
  return found.sort((a, b) => b.times - a.times);
}

type Region = Pick<Antipattern, 'knob' | 'low' | 'high'>;
const WHOLE: Region = { knob: null, low: null, high: null };

/** The narrowest range of a knob that holds all failures and no success; the whole family where nothing of it ever worked. */
function regionOf(
  family: Spec['family'],
  alike: readonly FailureSeen[],
  sound: readonly Readonly<Record<string, unknown>>[],
): Region | null {
  if (sound.length === 0) return WHOLE;
  let narrowest: { region: Region; width: number } | null = null;
  for (const [knob, scale] of rangesOf(family)) {
    const values = alike.map((f) => (f.spec === undefined ? undefined : at(f.spec, knob)));
    if (!values.every((v) => typeof v === 'number')) continue;
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const width = scaled(scale, high) - scaled(scale, low);
    const within = (v: unknown): boolean => typeof v === 'number' && v >= low && v <= high;
    if (width > WIDEST || sound.some((spec) => within(at(spec, knob)))) continue;
    if (narrowest === null || width < narrowest.width) narrowest = { region: { knob, low, high }, width };
  }
  return narrowest?.region ?? null;
}

/** Whether a spec lies where everything has failed. */
export const fails = (spec: Readonly<Record<string, unknown>>, known: readonly Antipattern[]): boolean =>
  known.some(({ family, knob, low, high }) => {
    if (family !== spec['family']) return false;
    if (knob === null) return true;
    const value = at(spec, knob);
    return typeof value === 'number' && value >= low! && value <= high!;
  });
