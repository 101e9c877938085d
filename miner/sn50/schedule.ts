// Which asset is prompted at which minute, from a profile's cadence (sequential_scheduler.py).
// Promises a pure function of time: the same interval always yields the same prompts, and neighbouring intervals
// join without overlap. A real validator continues from its latest stored prompt, so its phase may differ.
import type { Profile } from './profile.js';
import { promptStart } from './prompt.js';
import { assertAssets, findCompetition } from './slot.js';

export interface DuePrompt {
  readonly asset: string;
  /** Unix seconds, a whole minute: when the validator sends it. */
  readonly request_s: number;
  /** Unix seconds: the first point of the paths, and the deadline. */
  readonly start_s: number;
}

export interface PromptSchedule {
  /** Prompts with fromExclusive_s < request_s <= to_s (unix seconds), in time order. */
  promptsDue(fromExclusive_s: number, to_s: number): DuePrompt[];
  /** Seconds between two prompts of one asset; undefined when the schedule leaves it out. */
  period(asset: string): number | undefined;
}

/**
 * The prompts of one competition. With `assets`, the others are skipped but keep their turn, so that each remaining
 * asset keeps its period. Throws `SWARM_E_UNKNOWN_COMPETITION`, `SWARM_E_UNKNOWN_ASSET`.
 */
export function promptSchedule(
  profile: Profile,
  competition: string,
  assets?: readonly string[],
): PromptSchedule {
  const { cadence, timeout_extra_s } = findCompetition(profile, competition);
  if (assets) assertAssets(profile, assets);
  const wanted = (asset: string) => !assets || assets.includes(asset);
  return {
    promptsDue(fromExclusive_s, to_s) {
      const due: DuePrompt[] = [];
      for (const process of cadence) {
        const { every_s, offset_s } = process;
        const first = Math.floor((fromExclusive_s - offset_s) / every_s) + 1;
        const last = Math.floor((to_s - offset_s) / every_s);
        for (let turn = first; turn <= last; turn++) {
          const count = process.assets.length;
          const asset = process.assets[((turn % count) + count) % count];
          const request_s = turn * every_s + offset_s;
          if (wanted(asset)) due.push({ asset, request_s, start_s: promptStart(request_s, timeout_extra_s) });
        }
      }
      return due.sort((a, b) => a.request_s - b.request_s);
    },
    period(asset) {
      const process = cadence.find((each) => each.assets.includes(asset));
      return process && wanted(asset) ? process.every_s * process.assets.length : undefined;
    },
  };
}
