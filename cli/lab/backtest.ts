// `swarm backtest`: a spec walked forward, or an artifact as it is, over recorded bars, beside yardstick and reference.
// Promises: bars, windows and noise are named by digest and seed, so that a figure can be made again.
// Leaves to others: the arithmetic (forecast/backtest) and how it is printed.
import { lookbackBars, noiseSeed } from '../../agents/runtime/windows.js';
import { SwarmError } from '../../blackboard/errors.js';
import { medianWindow, report } from '../../forecast/backtest/report.js';
import { figures } from '../../forecast/backtest/svg.js';
import {
  type Candidate,
  modelsOf,
  type WalkPlan,
  walkForward,
} from '../../forecast/backtest/walk-forward.js';
import { ForecastError } from '../../forecast/errors.js';
import { isPooled, type Spec, specDigest } from '../../forecast/families/index.js';
import { artifactDigest, unpackArtifact } from '../../forecast/manifest.js';
import { overlapLag, windowStarts } from '../../forecast/windows.js';
import { seededConstants } from '../../trust/constants.js';
import { assertWritable, oneOf, readBytes, readSpec, writeFile } from './files.js';
import { bar, progress } from './progress.js';
import { printBacktest, type Subject } from './render.js';
import { inLab, type Lab } from './session.js';
import { DAY_S, type LabBars, type LabSlot, labSlot, readLabBars } from './slot.js';

export interface BacktestArguments {
  readonly spec?: string;
  readonly artifact?: string;
  readonly slot: string;
  readonly bars: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly stride?: number;
  readonly profile: string;
  readonly trainDays?: number;
  readonly refitDays: number;
  readonly paths: number;
  readonly fits?: string;
  readonly json?: boolean;
  readonly svg?: string;
}

const DEFAULT_DAYS = 30;
const MAX_WINDOWS = 20_000;
const usage = (message: string, hint: string): SwarmError => new SwarmError('SWARM_E_USAGE', message, hint);
const iso = (s: number): string => new Date(s * 1000).toISOString();

interface Chosen {
  readonly candidate: Candidate;
  readonly subject: Subject;
}

function artifactOf(path: string, { asset, rules }: LabSlot, from_s: number): Chosen {
  const artifact = readBytes(path);
  const { manifest } = unpackArtifact(artifact);
  if (manifest.asset !== asset || manifest.step_s !== rules.increment_s)
    throw usage(
      `${path} forecasts ${manifest.asset} in steps of ${manifest.step_s} s`,
      'Name the slot that it was made for.',
    );
  const earliest_s = manifest.data_cutoff_s + rules.length_s;
  if (from_s < earliest_s)
    throw usage(
      `${path} was fitted on bars up to ${iso(manifest.data_cutoff_s)}`,
      `What it saw proves nothing: use --from ${iso(earliest_s)} or later.`,
    );
  const { family, spec, spec_digest, data_cutoff_s } = manifest;
  const subject = {
    family,
    spec,
    spec_digest,
    artifact: artifactDigest(artifact),
    data_cutoff: iso(data_cutoff_s),
  };
  return { candidate: { artifact }, subject };
}

function specOf(o: BacktestArguments, { rules }: LabSlot, spec: Spec): Chosen {
  const train_days = o.trainDays ?? seededConstants()(`train_days_${rules.increment_s}`);
  if (!(train_days > 0 && o.refitDays > 0))
    throw usage('no time to train on, or between two fits', 'Give positive --train-days and --refit-days.');
  return {
    candidate: {
      spec,
      train_bars: Math.round((train_days * DAY_S) / rules.increment_s),
      refit_s: o.refitDays * DAY_S,
    },
    subject: {
      family: spec.family,
      spec,
      spec_digest: specDigest(spec),
      train_days,
      refit_days: o.refitDays,
    },
  };
}

async function planOf(
  o: BacktestArguments,
  slot: LabSlot,
  spec: Spec | undefined,
  { last_s }: LabBars,
  lab: Lab,
): Promise<{ plan: WalkPlan; subject: Subject }> {
  const { horizon_s } = slot.competition;
  const to_s = o.to === undefined ? last_s : o.to.getTime() / 1000;
  const from_s =
    o.from === undefined ? Math.floor(to_s / DAY_S - DEFAULT_DAYS) * DAY_S : o.from.getTime() / 1000;
  const { candidate, subject } =
    spec === undefined ? artifactOf(o.artifact!, slot, from_s) : specOf(o, slot, spec);
  const all = windowStarts(from_s, to_s, { stride_s: o.stride ?? horizon_s, horizon_s, max: MAX_WINDOWS });
  const lookback_bars = lookbackBars(seededConstants(), slot.rules.increment_s);
  const starts = await lab.thread.call('usable', { starts: all, lookback_bars });
  if (starts.length < 2)
    throw new ForecastError(
      'SWARM_E_BARS_TOO_FEW',
      `${slot.slot}: ${starts.length} of ${all.length} windows between ${iso(from_s)} and ${iso(to_s)} have whole bars, 2 are needed`,
      `A window needs ${lookback_bars} bars before it and its horizon after it: give a longer stretch, or more bars.`,
    );
  return { plan: { asset: slot.asset, horizon_s, from_s, starts, candidate }, subject };
}

export async function backtestCommand(o: BacktestArguments): Promise<void> {
  oneOf({ '--spec': o.spec, '--artifact': o.artifact });
  if (o.paths < 2 || o.stride === 0)
    throw usage('nothing to simulate', 'Give --paths of 2 or more and a positive --stride.');
  if (o.svg !== undefined) assertWritable(o.svg);
  const slot = labSlot(o.profile, o.slot);
  const spec = o.spec === undefined ? undefined : readSpec(o.spec, slot);
  const bars = readLabBars(o.bars, slot, spec !== undefined && isPooled(spec));
  const line = progress();
  await inLab(o.fits, async (lab) => {
    await lab.open(slot, bars, o.paths);
    const { plan, subject } = await planOf(o, slot, spec, bars, lab);
    const began = Date.now();
    const walk = await walkForward(
      plan,
      (ref, starts) => lab.thread.call('score', { ref, starts }),
      (done) => line.show(`${slot.slot} ${bar(done, plan.starts.length, Date.now() - began)}`),
    );
    line.clear();
    const lag = overlapLag(plan.horizon_s, o.stride ?? plan.horizon_s);
    const result = {
      slot: slot.slot,
      subject,
      profile: o.profile,
      from: iso(plan.starts[0]!),
      to: iso(plan.starts.at(-1)! + plan.horizon_s),
      paths: o.paths,
      dataset_digest: bars.dataset_digest,
      code_version: lab.code,
      seed: noiseSeed(slot.slot, 0).replace(/0$/, '<start>'),
      ...report(walk, bars.bars, slot.competition, lag),
      cost: walk.cost,
    };
    if (o.svg !== undefined) {
      const t0 = medianWindow(walk.model);
      const { ref } = modelsOf(plan).find(({ starts }) => starts.includes(t0))!;
      const fan = await lab.thread.call('fan', { ref, t0 });
      const title = `${subject.family} on ${slot.slot}, ${result.from.slice(0, 10)} to ${result.to.slice(0, 10)}`;
      writeFile(o.svg, figures({ title, fan, step_s: slot.rules.increment_s, report: result }));
    }
    if (o.json)
      process.stdout.write(
        `${JSON.stringify({ ...result, windows: walk.model.map(({ t0, total }, i) => ({ start: iso(t0), model: total, yardstick: walk.yardstick[i]!.total, reference: walk.reference[i]!.total })) })}\n`,
      );
    else process.stdout.write(`${printBacktest(result)}\n`);
  });
}
