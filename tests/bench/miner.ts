// Answering: request bytes in to response bytes out of the real miner behind its axon, on a real database and a simulated
// market that runs a minute each second.

import { type Bench, type Figure, figure, quantile } from './figure.js';
import type { Asked } from './miner/load.js';
import { ask, dayPrompt, flood, hourPrompt, isCorrect, stream } from './miner/load.js';
import { numpyAnswers } from './miner/numpy.js';
import { openScene, type Scene } from './miner/scene.js';

/** Four prompts a second for 40 s. */
const REQUESTS = 160;
const EVERY_MS = 250;
/** A minute of the market each second: every fourth prompt begins at another price. */
const SPEED = 60;
const AT_ONCE = 16;
const DEADLINE_MS = 12_000;
const COLD = 30;
/** A day of the subnet: 12 assets each hour over 24 h, five every ten minutes over 1 h. */
const DAY_PROMPTS = { day: 288, hour: 720 } as const;
const HOURS = 24;
const SWAPS = 50;
const FLOOD_PER_MINUTE = 10_000;
const HOUR_S = 3600;
const RUNS = 30;

const times = (asked: readonly Asked[]): number[] => asked.map(({ ms }) => ms);

export const miner: Bench = async (progress) => {
  const scene = await openScene(progress);
  try {
    const numpy = numpyAnswers(RUNS);
    if (numpy === null)
      progress('no python with numpy (SWARM_PYTHON): ratios to the reference miner are not measured');
    const against = (p: number): number => (numpy === null ? Number.NaN : quantile(numpy, p));
    await scene.clock(scene.now_s, SPEED);
    await stream(scene, 8, EVERY_MS);
    progress(`${REQUESTS} prompts, four a second`);
    const warm = times(await stream(scene, REQUESTS, EVERY_MS));
    const squeezed = times(await stream(scene, REQUESTS / 4, EVERY_MS, true));
    const figures: Figure[] = [];
    const say = (...found: Figure[]): void => {
      for (const one of found)
        progress(`${one.name} ${one.figure.toPrecision(4)} ${one.unit} (${one.reference.toPrecision(4)})`);
      figures.push(...found);
    };
    const note = `1000 x 289, garch_t placed from 20,000 paths, made ahead at ${SPEED}x; reference: numpy simulate, round, JSON`;
    say(
      figure('answer_p50', 'ms', quantile(warm, 0.5), against(0.5), note),
      figure('answer_p99', 'ms', quantile(warm, 0.99), against(0.99), note),
      figure(
        'answer_gzip_p50',
        'ms',
        quantile(squeezed, 0.5),
        against(0.5),
        'the same compressed, until the caller has unpacked it',
      ),
    );
    say(...(await crowded(scene, progress)));
    say(await cold(scene, progress, against(0.99)));
    say(await swaps(scene, progress));
    say(...(await flooded(scene, progress)));
    say(...(await soak(scene, progress)));
    return figures;
  } finally {
    await scene.close();
  }
};

async function crowded(scene: Scene, progress: (line: string) => void): Promise<Figure[]> {
  progress(`${AT_ONCE} validators at once`);
  const asked = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, n) => ask(scene, n, dayPrompt(), true, DEADLINE_MS)),
  );
  const missed = asked.filter((one) => one.reply?.status !== 200).length;
  return [
    figure(
      'deadline_misses_16',
      '1',
      missed,
      AT_ONCE,
      `of ${AT_ONCE} validators at once, 12 s each; reference: all`,
    ),
  ];
}

async function cold(scene: Scene, progress: (line: string) => void, reference: number): Promise<Figure> {
  progress(`${COLD} prompts that nothing was made ahead for`);
  const spent: number[] = [];
  for (let n = 1; n <= COLD; n++) {
    await scene.clock(scene.now_s + 86_400 / 2 + n * HOUR_S, 0);
    spent.push((await ask(scene, n)).ms);
  }
  return figure(
    'cold_p99',
    'ms',
    quantile(spent, 0.99),
    reference,
    `${COLD} prompts, each an hour on: simulated and placed when asked`,
  );
}

/** One day of the subnet's prompts, one after the other, on the two slots of one asset. */
async function soak(scene: Scene, progress: (line: string) => void): Promise<Figure[]> {
  const each = DAY_PROMPTS.day / HOURS;
  const hourly = DAY_PROMPTS.hour / HOURS;
  progress(`a day of prompts: ${DAY_PROMPTS.day + DAY_PROMPTS.hour}`);
  const memory: number[] = [];
  let [valid, asked] = [0, 0];
  for (let hour = 0; hour < HOURS; hour++) {
    await scene.clock(scene.now_s + hour * HOUR_S, SPEED);
    for (let n = 0; n < each + hourly; n++) {
      const one = await ask(scene, n, n < each ? dayPrompt() : hourPrompt(), true);
      asked += 1;
      valid += isCorrect(one) ? 1 : 0;
    }
    memory.push(process.memoryUsage().rss / 2 ** 20);
  }
  const text = `${asked} prompts, every answer judged; memory of miner, validators and judge together, in MiB`;
  return [
    figure('soak_valid_share', '1', valid / asked, 1, text),
    figure(
      'soak_memory_growth',
      'MiB',
      memory.at(-1)!,
      memory[1]!,
      'after the last hour; reference: after the second',
    ),
  ];
}

async function swaps(scene: Scene, progress: (line: string) => void): Promise<Figure> {
  progress(`${SWAPS} hot swaps under prompts`);
  await scene.clock(scene.now_s, SPEED);
  let swapping = true;
  const asked: Asked[] = [];
  const asking = (async () => {
    for (let n = 0; swapping; n++) asked.push(await ask(scene, n, dayPrompt(), true));
  })();
  for (let n = 0; n < SWAPS; n++) await scene.swap();
  swapping = false;
  await asking;
  const dropped = asked.filter((one) => !isCorrect(one)).length;
  return figure(
    'swap_drops',
    '1',
    dropped,
    asked.length,
    `prompts not answered during ${SWAPS} swaps; reference: prompts`,
  );
}

async function flooded(scene: Scene, progress: (line: string) => void): Promise<Figure[]> {
  progress(`a flood of ${FLOOD_PER_MINUTE} forged and replayed requests a minute`);
  await scene.clock(scene.now_s, SPEED);
  const calm = times(await stream(scene, REQUESTS / 2, EVERY_MS, true));
  const stop = new AbortController();
  const flooding = flood(scene, FLOOD_PER_MINUTE, stop.signal);
  const real = times(await stream(scene, REQUESTS / 2, EVERY_MS, true));
  stop.abort();
  const { sent, answered } = await flooding;
  return [
    figure(
      'flood_answered',
      '1',
      answered,
      sent,
      'forged or replayed requests that got a forecast; reference: those sent',
    ),
    figure(
      'flood_p99_ratio',
      'ms',
      quantile(real, 0.99),
      quantile(calm, 0.99),
      'real prompts beside the flood; reference: without it',
    ),
  ];
}
