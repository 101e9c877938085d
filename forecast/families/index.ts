// Every model family, by name, and the one step from spec and training data to a servable model.
// Promises: same spec, data and meta give the same bytes. Leaves choosing among them to the agents.

import { ForecastError } from '../errors.js';
import { FORMAT_VERSION, type Manifest } from '../manifest.js';
import { constant } from './constant.js';
import { egarchT } from './egarch-t.js';
import { ewmaT } from './ewma-t.js';
import type { Family, Fitted, MemberFamily, TrainingData } from './family.js';
import { garchT } from './garch-t.js';
import { gbm } from './gbm.js';
import { harRv } from './har-rv.js';
import { harSeasonMix } from './har-season-mix.js';
import { logSv } from './log-sv.js';
import { poolFamily } from './pool.js';
import { recursion } from './recursion.js';
import { REFERENCE_HOURLY_SIGMA } from './reference.js';
import { regimeT } from './regime-t.js';
import { type MemberSpec, poolSchema, type Spec, specDigest } from './spec.js';

export { canonicalJson } from '../canonical.js';
export type { Family, Fitted, Knob, TrainingData } from './family.js';
export { REFERENCE_HOURLY_SIGMA } from './reference.js';
export { parseSpec, type Spec, specDigest, specSchema } from './spec.js';
export { yardstickSpec } from './yardstick.js';

/** Families that may be members of a pool: all but the pool itself. */
const members: Readonly<Record<MemberSpec['family'], MemberFamily<Spec>>> = {
  gbm: member(gbm),
  ewma_t: member(ewmaT),
  garch_t: member(garchT),
  constant: member(constant),
  egarch_t: member(egarchT),
  har_rv: member(harRv),
  har_season_mix: member(harSeasonMix),
  log_sv: member(logSv),
  recursion: member(recursion),
  regime_t: member(regimeT),
};

/** Families by name. A family is only ever given specs of its own (`spec.family === family.name`). */
export const families: Readonly<Record<Spec['family'], Family<Spec>>> = {
  ...members,
  pool: anySpec(poolFamily(members, poolSchema)),
};

/** The reference miner's spec of an asset. Throws SWARM_E_SPEC_INVALID for an asset it has no sigma for. */
export function referenceSpec(asset: string): Spec {
  const sigma_hourly = REFERENCE_HOURLY_SIGMA[asset];
  if (sigma_hourly !== undefined) return { family: 'gbm', sigma_hourly };
  const known = Object.keys(REFERENCE_HOURLY_SIGMA).join(', ');
  throw new ForecastError(
    'SWARM_E_SPEC_INVALID',
    `the reference miner has no sigma for ${asset}`,
    `it has ${known}`,
  );
}

/** Whether a fit of the spec wants bars of other assets of its class: see peersOf. */
export const isPooled = (spec: Spec): boolean => families[spec.family].pooled?.(spec) ?? false;

/** Provenance that only the caller knows. */
export interface FitMeta {
  /** Unix seconds: no bar that closed later was used. */
  readonly data_cutoff_s: number;
  readonly dataset_digest: string;
  readonly code_version: string;
}

/** Fits, compiles, and writes the manifest. Throws SWARM_E_BARS_TOO_FEW, SWARM_E_FIT_FAILED, SWARM_E_SPEC_INVALID. */
export function fitAndCompile(
  spec: Spec,
  train: TrainingData,
  meta: FitMeta,
): { onnx: Uint8Array; manifest: Manifest } {
  const family = families[spec.family];
  const params = family.fit(train, spec);
  const onnx = family.compile(params, { spec, step_s: train.step_s });
  const sampling = family.sampling?.(params, { spec, step_s: train.step_s });
  const history_bars = family.historyBars(spec, train.step_s);
  const observed = family.observedBars?.(spec, train.step_s);
  const manifest: Manifest = {
    v: FORMAT_VERSION,
    family: spec.family,
    spec,
    spec_digest: specDigest(spec),
    params: Object.fromEntries(
      Object.entries(params).map(([k, v]) => [k, typeof v === 'number' ? v : [...v]]),
    ),
    history_bars,
    ...(family.wholeBars(spec, train.step_s) < history_bars ? { history_gaps: true as const } : {}),
    ...(observed === undefined ? {} : { history_observed: observed }),
    ...(sampling === undefined ? {} : { sampling }),
    step_s: train.step_s,
    asset: train.asset,
    data_cutoff_s: meta.data_cutoff_s,
    dataset_digest: meta.dataset_digest,
    code_version: meta.code_version,
  };
  return { onnx, manifest };
}

/** Specs of the family's own. Throws SWARM_E_SPEC_INVALID for another's. */
function ownSpec<S extends Spec>(family: Family<S>): (spec: Spec) => S {
  return (spec) => {
    const parsed = family.schema.safeParse(spec);
    if (parsed.success) return parsed.data;
    const hint = 'look the family up by spec.family';
    throw new ForecastError('SWARM_E_SPEC_INVALID', `${family.name}: ${parsed.error.message}`, hint);
  };
}

const fits = new WeakMap<TrainingData, Map<string, Fitted>>();

/** A fit depends on its arguments alone: while the same training data are at hand, a pool need not fit again what was fitted. */
function fitOnce(train: TrainingData, spec: Spec, make: () => Fitted): Fitted {
  const known = fits.get(train) ?? new Map<string, Fitted>();
  fits.set(train, known);
  const digest = specDigest(spec);
  const fitted = known.get(digest) ?? make();
  known.set(digest, fitted);
  return fitted;
}

/** Widens a family to all specs; parsing by its own schema keeps a foreign spec out. */
function anySpec<S extends Spec>(family: Family<S>): Family<Spec> {
  const own = ownSpec(family);
  return {
    name: family.name,
    schema: family.schema,
    knobs: family.knobs,
    ...(family.nested && { nested: family.nested }),
    ...(family.choices && { choices: family.choices }),
    start: (asset, horizon_s) => family.start(asset, horizon_s),
    historyBars: (spec, step_s) => family.historyBars(own(spec), step_s),
    wholeBars: (spec, step_s) => family.wholeBars(own(spec), step_s),
    observedBars: (spec, step_s) => family.observedBars?.(own(spec), step_s),
    pooled: (spec) => family.pooled?.(own(spec)) ?? false,
    fit: (train, spec) => fitOnce(train, spec, () => family.fit(train, own(spec))),
    sampling: (params, ctx) => family.sampling?.(params, { ...ctx, spec: own(ctx.spec) }),
    compile: (params, ctx) => family.compile(params, { ...ctx, spec: own(ctx.spec) }),
  };
}

/** The same for one that may be a member. */
function member<S extends Spec>(family: MemberFamily<S>): MemberFamily<Spec> {
  const own = ownSpec(family);
  const { part } = family;
  return {
    ...anySpec(family),
    part: {
      shape: (spec, step_s) => part.shape(own(spec), step_s),
      graph: (g, params, ctx) => part.graph(g, params, { ...ctx, spec: own(ctx.spec) }),
      week: (params, spec) => part.week(params, own(spec)),
      simulator: (params, ctx) => part.simulator(params, { ...ctx, spec: own(ctx.spec) }),
    },
  };
}
