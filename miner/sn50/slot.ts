// Slots and competitions: the names under which champions, windows and gates are kept.
// A slot is one (competition, asset), written `1h/BTC`. Promises that what it returns exists in the profile.
import { parseInterval, type ScoringInterval } from '../../forecast/score/index.js';
import { Sn50Error } from './errors.js';
import type { Competition, Profile } from './profile.js';

export interface Slot {
  readonly competition: string;
  readonly asset: string;
}

/** In the place of a competition: prompts that no competition scores. No profile may call one so. */
export const OTHER = 'other';

/** `slotId('1h', 'BTC') === '1h/BTC'` */
export function slotId(competition: string, asset: string): string {
  return `${competition}/${asset}`;
}

/** Reads `competition/ASSET`. Throws `SWARM_E_SLOT_INVALID`; does not ask whether any profile knows it. */
export function parseSlot(id: string): Slot {
  const match = /^([a-z0-9_-]+)\/([A-Za-z0-9._:-]+)$/.exec(id);
  if (!match)
    throw new Sn50Error(
      'SWARM_E_SLOT_INVALID',
      `not a slot: ${JSON.stringify(id)}`,
      'write competition/ASSET, for example 1h/BTC',
    );
  return { competition: match[1], asset: match[2] };
}

/** The competition of that id or alias. Throws `SWARM_E_UNKNOWN_COMPETITION` listing the known ids. */
export function findCompetition(profile: Profile, idOrAlias: string): Competition {
  const found = profile.competitions.find(
    ({ id, aliases }) => id === idOrAlias || aliases.includes(idOrAlias),
  );
  if (found) return found;
  throw new Sn50Error(
    'SWARM_E_UNKNOWN_COMPETITION',
    `profile ${profile.id} has no competition ${JSON.stringify(idOrAlias)}`,
    `use one of: ${profile.competitions.map(({ id }) => id).join(', ')}`,
  );
}

/** The competition that scores a prompt for this asset and length (seconds); undefined when none does. */
export function competitionFor(profile: Profile, asset: string, length_s: number): Competition | undefined {
  return profile.competitions.find((each) => each.length_s === length_s && each.assets.includes(asset));
}

/** Every asset of the profile, in order of first appearance. */
export function profileAssets(profile: Profile): string[] {
  return [...new Set(profile.competitions.flatMap(({ assets }) => assets))];
}

/** Throws `SWARM_E_UNKNOWN_ASSET` naming each asset that no competition of the profile lists. */
export function assertAssets(profile: Profile, assets: readonly string[]): void {
  const known = profileAssets(profile);
  const unknown = assets.filter((asset) => !known.includes(asset));
  if (unknown.length > 0)
    throw new Sn50Error(
      'SWARM_E_UNKNOWN_ASSET',
      `profile ${profile.id} does not know ${unknown.join(', ')}`,
      `use assets of: ${known.join(', ')}`,
    );
}

/** Slot ids of the profile in competition and rotation order, only for `assets` when given. */
export function slots(profile: Profile, assets?: readonly string[]): string[] {
  if (assets) assertAssets(profile, assets);
  return profile.competitions.flatMap((each) =>
    each.assets.filter((asset) => !assets || assets.includes(asset)).map((asset) => slotId(each.id, asset)),
  );
}

/** The competition's scoring intervals with their kind read off the name, as the validator does. */
export function scoringIntervals(competition: Competition): ScoringInterval[] {
  return competition.intervals.map(({ name, seconds }) => parseInterval(name, seconds));
}
