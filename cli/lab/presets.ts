// What a sweep covers: slots, specs and bars, by preset and by what was asked for.
// Promises: the same arguments name the same trials in the same order.
// Leaves to others: running them.
import { lookbackBars } from '../../agents/runtime/windows.js';
import { randomSpec, searchedFamilies } from '../../agents/strategist/space.js';
import { SwarmError } from '../../blackboard/errors.js';
import { families, type Spec, specDigest } from '../../forecast/families/index.js';
import { rng } from '../../forecast/rng.js';
import { epoch_s, simulatedAssets } from '../../miner/market/simulated.js';
import { barFiles } from '../../miner/prices/import.js';
import { loadProfile, slotId, slots as slotsOf } from '../../miner/sn50/profile.js';
import { seededConstants } from '../../trust/constants.js';
import type { Lab } from './session.js';
import { DAY_S, type LabBars, type LabSlot, labBars, labSlot, readLabBars } from './slot.js';
import type { BenchOptions } from './trial.js';

export interface SweepArguments {
  readonly preset: 'quick' | 'families' | 'all';
  readonly slots?: string[];
  /** Absent: the simulated market. */
  readonly bars?: string;
  readonly out: string;
  readonly random?: number;
  readonly seed: string;
  readonly profile: string;
  readonly asOf?: Date;
  readonly retryFailed?: boolean;
  readonly json?: boolean;
}

export interface Preset {
  readonly random: number;
  readonly slots: 'two' | 'all';
  readonly bench: BenchOptions;
}

/** A quick look needs no hidden windows and little history: fewer days, windows and paths. */
const QUICK: BenchOptions = {
  paths: 500,
  constants: {
    hidden_days: 0,
    gap_days: 1,
    public_days: 30,
    max_windows: 60,
    train_days_300: 45,
    train_days_60: 15,
  },
};
export const PRESETS: Readonly<Record<SweepArguments['preset'], Preset>> = {
  quick: { random: 0, slots: 'two', bench: QUICK },
  families: { random: 0, slots: 'all', bench: {} },
  all: { random: 8, slots: 'all', bench: {} },
};
/** Simulated history: enough for the plan of a day in full. */
const SIMULATED_DAYS = 170;

/** The slots that are asked for; by default those that have bars, or one of each competition. */
export function chosenSlots(o: SweepArguments, { slots }: Preset): LabSlot[] {
  if (o.slots?.length === 0)
    throw new SwarmError('SWARM_E_USAGE', '--slots names no slot', 'Write --slots 24h/BTC,1h/ETH.');
  if (o.slots !== undefined) return o.slots.map((id) => labSlot(o.profile, id));
  const files = o.bars === undefined ? [] : barFiles(o.bars);
  const hasBars = ({ asset, rules }: LabSlot): boolean =>
    o.bars === undefined
      ? simulatedAssets.includes(asset)
      : files.some((f) => f.asset === asset && f.step_s === rules.increment_s);
  const found = slotsOf(loadProfile(o.profile))
    .map((id) => labSlot(o.profile, id))
    .filter(hasBars);
  if (found.length === 0)
    throw new SwarmError(
      'SWARM_E_DATA_MISSING',
      `${o.bars} has no bars of any slot of profile ${o.profile}`,
      'Name a directory with files like BTC_5m.csv.gz and BTC_1m.csv.gz.',
    );
  if (slots === 'all') return found;
  return loadProfile(o.profile).competitions.flatMap(
    ({ id }) => found.find(({ slot, asset }) => slot === slotId(id, asset)) ?? [],
  );
}

/** Each family's start spec, and draws from its whole range. */
export function specsOf(o: SweepArguments, { random }: Preset, { slot, asset, rules }: LabSlot): Spec[] {
  const step_s = rules.increment_s;
  const task = {
    asset,
    horizon_s: rules.length_s,
    step_s,
    max_history_bars: lookbackBars(seededConstants(), step_s),
    // A sweep compares models of one series.
    peers: 0,
  };
  const specs = searchedFamilies().flatMap((name) => {
    const draws = rng(`${o.seed}/${slot}/${name}`);
    return [
      families[name].start(asset, rules.length_s),
      ...Array.from({ length: o.random ?? random }, () => randomSpec(name, task, draws)),
    ];
  });
  return [...new Map(specs.map((spec) => [specDigest(spec), spec])).values()];
}

/** Bars from the directory that was named, or from the simulated market. */
export async function barsOf(o: SweepArguments, slot: LabSlot, lab: Lab): Promise<LabBars> {
  if (o.bars !== undefined) return readLabBars(o.bars, slot);
  const { asset, rules } = slot;
  return labBars(
    await lab.thread.call('simulate', {
      seed: o.seed,
      asset,
      step_s: rules.increment_s,
      from_s: epoch_s,
      to_s: epoch_s + SIMULATED_DAYS * DAY_S,
    }),
  );
}
