// One day of the subnet's prompts, as its cadence has them, one after the other, to a miner of every slot.
import { type Competition, loadProfile, profileAssets } from '../../../miner/sn50/profile.js';
import { type Figure, figure } from '../figure.js';
import type { Length, Question } from './load.js';
import { resident } from './memory.js';
import { openScene, PROFILE, type Scene, SPEED } from './scene.js';

const HOURS = 24;
const HOUR_S = 3600;
/** The first hour fills what is kept of every slot. */
const SECOND = 1;

export async function soak(progress: (line: string) => void): Promise<Figure[]> {
  const profile = loadProfile(PROFILE);
  const scene = await openScene(progress, profileAssets(profile));
  try {
    return await day(scene, profile.competitions, progress);
  } finally {
    await scene.close();
  }
}

async function day(
  scene: Scene,
  competitions: readonly Competition[],
  progress: (line: string) => void,
): Promise<Figure[]> {
  const questions = competitions.flatMap(hourOf);
  progress(`a day of prompts: ${questions.length * HOURS}`);
  const memory: number[] = [];
  const wrong = new Map<string, number>();
  for (let hour = 0; hour < HOURS; hour++) {
    await scene.clock(scene.now_s + hour * HOUR_S, SPEED);
    for (const question of questions) {
      const { verdict } = await scene.client.call('ask', question);
      if (verdict !== 'CORRECT') wrong.set(verdict, (wrong.get(verdict) ?? 0) + 1);
    }
    const { own, models, count } = resident();
    memory.push(own + models);
    progress(
      `hour ${hour + 1}: ${memory.at(-1)!.toFixed(0)} MiB, ${own.toFixed(0)} the miner's own, the rest of ${count} models`,
    );
  }
  for (const [verdict, times] of wrong) progress(`${times} times: ${verdict}`);
  const asked = questions.length * HOURS;
  const valid = asked - [...wrong.values()].reduce((sum, n) => sum + n, 0);
  const slots = new Set(questions.map(({ asset, length }) => `${asset}/${length}`)).size;
  const text = `${asked} prompts of ${slots} slots, every answer judged`;
  return [
    figure('soak_valid_share', '1', valid / asked, 1, text),
    figure(
      'soak_memory_growth',
      'MiB',
      memory.at(-1)!,
      memory[SECOND]!,
      `${text}; the miner's process and its models', after the last hour; reference: after the second`,
    ),
  ];
}

/** The prompts of one hour of a competition, each validator process in its own rotation. */
const hourOf = ({ id, cadence }: Competition): Question[] =>
  cadence.flatMap(({ assets, every_s }) =>
    Array.from({ length: HOUR_S / every_s }, (_, n) => ({
      n,
      asset: assets[n % assets.length]!,
      length: id as Length,
      gzip: true,
      judge: true,
    })),
  );
