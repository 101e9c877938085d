// One experiment as an explorer does it, for the laboratory: fit before the public windows, score on them.
// Promises: the same spec, bars and day give the artifact and the figures that an explorer would claim.
// Leaves to others: recording. Nothing here becomes a claim.
import { lookbackBars, overlapLag, type SlotPlan, slotPlan } from '../../agents/runtime/windows.js';
import type { ModelRef, Scored, WindowScore } from '../../forecast/backtest/scorer.js';
import { sha256Hex } from '../../forecast/canonical.js';
import { ForecastError } from '../../forecast/errors.js';
import {
  canonicalJson,
  referenceSpec,
  type Spec,
  specDigest,
  yardstickSpec,
} from '../../forecast/families/index.js';
import { artifactDigest } from '../../forecast/manifest.js';
import { pairedGain } from '../../forecast/score/gain.js';
import { windowSetDigest, windowStarts } from '../../forecast/windows.js';
import { type Constants, seededConstants } from '../../trust/constants.js';
import type { Lab } from './session.js';
import { DAY_S, type LabBars, type LabSlot } from './slot.js';

/** A slot taken up for trials: its windows, and the baselines once they were scored. */
export interface Bench {
  readonly slot: LabSlot;
  readonly bars: LabBars;
  readonly plan: SlotPlan;
  readonly starts: readonly number[];
  readonly paths: number;
  readonly windows_digest: string;
  /** Of everything beside the spec that the figures depend on. */
  readonly plan_digest: string;
  baselines?: { yardstick: Float64Array; reference: Float64Array };
}

export interface BenchOptions {
  /** The day whose plan is taken; default: the last whole day of the bars. */
  readonly as_of?: Date;
  readonly paths?: number;
  /** Constants that differ from a fresh database's. */
  readonly constants?: Readonly<Record<string, number>>;
}

export interface Trial {
  readonly slot: string;
  readonly family: string;
  readonly spec: Spec;
  readonly spec_digest: string;
  readonly artifact: string;
  readonly as_of: string;
  readonly n: number;
  readonly windows_digest: string;
  readonly dataset_digest: string;
  readonly code_version: string;
  readonly mean_crps: number;
  readonly yardstick_crps: number;
  readonly reference_crps: number;
  readonly gain: number;
  readonly se: number;
  readonly gain_reference: number;
  readonly se_reference: number;
  /** Where the fit came from: a hit in memory or in the directory, or a fit. */
  readonly fit_from: 'memory' | 'directory' | 'fit';
  readonly fit_ms: number;
  readonly score_ms: number;
}

/** Opens a slot with the windows of one day. Throws SWARM_E_BARS_TOO_FEW when too few of them have whole bars. */
export async function openBench(lab: Lab, slot: LabSlot, bars: LabBars, o: BenchOptions): Promise<Bench> {
  const constants: Constants = seededConstants(o.constants);
  const as_of_s =
    Math.floor((o.as_of === undefined ? bars.last_s : o.as_of.getTime() / 1000) / DAY_S) * DAY_S;
  const plan = slotPlan(constants, slot.rules, as_of_s);
  const paths = o.paths ?? slot.rules.num_simulations;
  await lab.open(slot, bars, paths);
  const all = windowStarts(plan.public.from_s, plan.public.to_s, plan.windows);
  const lookback_bars = lookbackBars(constants, slot.rules.increment_s);
  const starts = await lab.thread.call('usable', { starts: all, lookback_bars });
  if (starts.length < constants('min_windows'))
    throw new ForecastError(
      'SWARM_E_BARS_TOO_FEW',
      `${slot.slot}: ${starts.length} of ${all.length} windows from ${iso(plan.public.from_s)} to ${iso(plan.public.to_s)} have whole bars, ${constants('min_windows')} are needed`,
      'The plan of a day reaches months back: give more bars, or another --as-of.',
    );
  const windows_digest = windowSetDigest(starts);
  const { train_bars, data_cutoff_s } = plan;
  return {
    slot,
    bars,
    plan,
    starts,
    paths,
    windows_digest,
    plan_digest: sha256Hex(canonicalJson({ windows_digest, train_bars, data_cutoff_s, paths })),
  };
}

const iso = (s: number): string => new Date(s * 1000).toISOString();
const totals = (rows: readonly WindowScore[]): Float64Array => Float64Array.from(rows, (row) => row.total);
const mean = (xs: Float64Array): number => xs.reduce((a, b) => a + b, 0) / xs.length;

/** Windows per call of the thread. */
const CHUNK = 8;

async function scores(lab: Lab, bench: Bench, ref: ModelRef, onDone: (n: number) => void) {
  const rows: WindowScore[] = [];
  let first: Scored | undefined;
  let score_ms = 0;
  for (let i = 0; i < bench.starts.length; i += CHUNK) {
    const one = await lab.thread.call('score', { ref, starts: bench.starts.slice(i, i + CHUNK) });
    first ??= one;
    score_ms += one.score_ms;
    rows.push(...one.windows);
    onDone(rows.length);
  }
  return { totals: totals(rows), first: first!, score_ms };
}

async function baselines(lab: Lab, bench: Bench): Promise<NonNullable<Bench['baselines']>> {
  const of = async (spec: Spec): Promise<Float64Array> =>
    (await scores(lab, bench, { kind: 'fixed', spec }, () => undefined)).totals;
  bench.baselines ??= {
    yardstick: await of(yardstickSpec(bench.slot.asset, bench.slot.rules.length_s)),
    reference: await of(referenceSpec(bench.slot.asset)),
  };
  return bench.baselines;
}

/** The model of a trial, as the thread knows it. */
export const modelOf = ({ plan }: Bench, spec: Spec): ModelRef => ({
  kind: 'fit',
  spec,
  cutoff_s: plan.data_cutoff_s,
  train_bars: plan.train_bars,
});

export async function trial(
  lab: Lab,
  bench: Bench,
  spec: Spec,
  onDone: (windows: number) => void = () => undefined,
): Promise<{ figures: Trial; artifact: Uint8Array }> {
  const ref = modelOf(bench, spec);
  const model = await scores(lab, bench, ref, onDone);
  const artifact = await lab.thread.call('pack', ref);
  const { yardstick, reference } = await baselines(lab, bench);
  const lag = overlapLag(bench.plan);
  const over = pairedGain(yardstick, model.totals, { lag });
  const overReference = pairedGain(reference, model.totals, { lag });
  const figures: Trial = {
    slot: bench.slot.slot,
    family: spec.family,
    spec,
    spec_digest: specDigest(spec),
    artifact: artifactDigest(artifact),
    as_of: iso(bench.plan.as_of_s),
    n: bench.starts.length,
    windows_digest: bench.windows_digest,
    dataset_digest: bench.bars.dataset_digest,
    code_version: lab.code,
    mean_crps: mean(model.totals),
    yardstick_crps: mean(yardstick),
    reference_crps: mean(reference),
    gain: over.gain,
    se: over.se,
    gain_reference: overReference.gain,
    se_reference: overReference.se,
    fit_from: model.first.fit_from ?? 'fit',
    fit_ms: Math.round(model.first.fit_ms),
    score_ms: Math.round(model.score_ms),
  };
  return { figures, artifact };
}
