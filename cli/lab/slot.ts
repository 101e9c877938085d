// What a laboratory command is about: one slot of a profile and its bars.
// Promises: a slot exists in the profile, and its bars have its step; both are told apart by digests.
// Leaves to others: windows and models.
import { createHash } from 'node:crypto';
import { SwarmError } from '../../blackboard/errors.js';
import { peersOf } from '../../forecast/asset-class.js';
import { type Bars, barsDigest } from '../../forecast/bars.js';
import type { EvaluatedCompetition } from '../../forecast/evaluate.js';
import { barFiles, readBarFile } from '../../miner/prices/import.js';
import {
  type Competition,
  findCompetition,
  loadProfile,
  parseSlot,
  scoringIntervals,
  slotId,
} from '../../miner/sn50/profile.js';

export const DAY_S = 86_400;

export interface LabSlot {
  readonly slot: string;
  readonly asset: string;
  readonly rules: Competition;
  readonly competition: EvaluatedCompetition;
}

/** Throws SWARM_E_UNKNOWN_PROFILE, SWARM_E_SLOT_INVALID, SWARM_E_UNKNOWN_COMPETITION or SWARM_E_UNKNOWN_ASSET. */
export function labSlot(profile: string, id: string): LabSlot {
  const { competition, asset } = parseSlot(id);
  const rules = findCompetition(loadProfile(profile), competition);
  if (!rules.assets.includes(asset))
    throw new SwarmError(
      'SWARM_E_UNKNOWN_ASSET',
      `${rules.id} of profile ${profile} has no ${asset}`,
      `It has ${rules.assets.join(', ')}.`,
    );
  return {
    slot: slotId(rules.id, asset),
    asset,
    rules,
    competition: {
      horizon_s: rules.length_s,
      increment_s: rules.increment_s,
      intervals: scoringIntervals(rules),
    },
  };
}

export interface LabBars {
  readonly bars: Bars;
  /** Other assets of its class, when a spec wants them. */
  readonly peers: readonly Bars[];
  readonly dataset_digest: string;
  /** Open of the first bar and close of the last. */
  readonly first_s: number;
  readonly last_s: number;
}

/** The slot's bars from a directory as `swarm up --bars` reads it; with `pooled`, those of its peers too. */
export function readLabBars(directory: string, { asset, rules }: LabSlot, pooled = false): LabBars {
  const step_s = rules.increment_s;
  const files = barFiles(directory).filter((one) => one.step_s === step_s);
  const file = files.find((one) => one.asset === asset);
  if (file === undefined)
    throw new SwarmError(
      'SWARM_E_DATA_MISSING',
      `${directory} has no ${step_s / 60}-minute bars of ${asset}`,
      `${rules.id} is forecast on them: add ${asset}_${step_s / 60}m.csv.gz.`,
    );
  const names = pooled
    ? peersOf(
        asset,
        files.map((one) => one.asset),
      )
    : [];
  const peers = names.map((name) => readBarFile(files.find((one) => one.asset === name)!));
  return labBars(readBarFile(file), peers);
}

/** Columns in shared memory, so that a thread reads them without a copy, and the digest that a market of these series has. */
export function labBars(bars: Bars, peers: readonly Bars[] = []): LabBars {
  const digest = createHash('sha256');
  for (const one of [bars, ...peers]) digest.update(`${one.asset}/${one.step} ${barsDigest(one)}\n`);
  return {
    bars: sharedBars(bars),
    peers: peers.map(sharedBars),
    dataset_digest: digest.digest('hex'),
    first_s: bars.open_s[0]!,
    last_s: bars.open_s.at(-1)! + bars.step,
  };
}

function sharedBars({ asset, step, open_s, close }: Bars): Bars {
  return { asset, step, open_s: shared(open_s), close: shared(close) };
}

function shared(values: Float64Array): Float64Array {
  const out = new Float64Array(new SharedArrayBuffer(values.byteLength));
  out.set(values);
  return out;
}
