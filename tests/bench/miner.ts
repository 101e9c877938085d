// Answering: request bytes in to response bytes out of the real miner behind its axon, on a real database and a simulated
// market that runs a minute each second. SWARM_PYTHON names a python with numpy for the reference; SWARM_BENCH_ONLY names the
// parts to run, separated by commas: answers, crowd, cold, swaps, flood, soak.

import { type Bench, type Figure, figure, quantile } from './figure.js';
import type { Asked } from './miner/load.js';
import { numpyAnswers } from './miner/numpy.js';
import { openScene, type Scene, SPEED } from './miner/scene.js';
import { soak } from './miner/soak.js';

/** Four prompts a second for 40 s. */
const REQUESTS = 160;
const EVERY_MS = 250;
const AT_ONCE = 16;
const DEADLINE_MS = 12_000;
const COLD = 30;
const SWAPS = 50;
const FLOOD_PER_MINUTE = 10_000;
/** Ten seconds without the flood and ten with it, in turn: what else the machine does meanwhile falls on both. */
const ROUNDS = 4;
const HOUR_S = 3600;
const RUNS = 30;

const times = (asked: readonly Asked[]): number[] => asked.map(({ ms }) => ms);

export const miner: Bench = async (progress) => {
  const figures: Figure[] = [];
  const say = (...found: Figure[]): void => {
    for (const one of found)
      progress(`${one.name} ${one.figure.toPrecision(4)} ${one.unit} (${one.reference.toPrecision(4)})`);
    figures.push(...found);
  };
  const chosen = (process.env['SWARM_BENCH_ONLY'] ?? 'answers,crowd,cold,swaps,flood,soak').split(',');
  const only = (part: string): boolean => chosen.includes(part);
  const compared = only('answers') || only('cold');
  const numpy = compared ? numpyAnswers(RUNS) : null;
  if (compared && numpy === null)
    progress('no python with numpy (SWARM_PYTHON): ratios to the reference miner are not measured');
  const against = (p: number): number => (numpy === null ? Number.NaN : quantile(numpy, p));
  if (chosen.some((part) => part !== 'soak')) {
    const scene = await openScene(progress);
    try {
      if (only('answers')) say(...(await warm(scene, progress, against)));
      if (only('crowd')) say(...(await crowded(scene, progress)));
      if (only('cold')) say(await cold(scene, progress, against(0.99)));
      if (only('swaps')) say(await swaps(scene, progress));
      if (only('flood')) say(...(await flooded(scene, progress)));
    } finally {
      await scene.close();
    }
  }
  if (only('soak')) say(...(await soak(progress)));
  return figures;
};

async function warm(
  scene: Scene,
  progress: (line: string) => void,
  against: (p: number) => number,
): Promise<Figure[]> {
  await scene.clock(scene.now_s, SPEED);
  const stream = async (count: number, gzip = false): Promise<number[]> =>
    times(await scene.client.call('stream', count, EVERY_MS, gzip));
  await stream(8);
  progress(`${REQUESTS} prompts, four a second`);
  const plain = await stream(REQUESTS);
  const squeezed = await stream(REQUESTS / 4, true);
  const note = `1000 x 289, garch_t placed from 20,000 paths, made ahead at ${SPEED}x; reference: numpy simulate, round, JSON`;
  return [
    figure('answer_p50', 'ms', quantile(plain, 0.5), against(0.5), note),
    figure('answer_p99', 'ms', quantile(plain, 0.99), against(0.99), note),
    figure('answer_gzip_p50', 'ms', quantile(squeezed, 0.5), against(0.5), 'the same compressed'),
  ];
}

async function crowded(scene: Scene, progress: (line: string) => void): Promise<Figure[]> {
  progress(`${AT_ONCE} validators at once`);
  const questions = Array.from({ length: AT_ONCE }, (_, n) => ({ n, gzip: true, timeout_ms: DEADLINE_MS }));
  const asked = await scene.client.call('all', questions);
  const missed = asked.filter(({ status }) => status !== 200).length;
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
    spent.push((await scene.client.call('ask', { n })).ms);
  }
  return figure(
    'cold_p99',
    'ms',
    quantile(spent, 0.99),
    reference,
    `${COLD} prompts, each an hour on: simulated and placed when asked`,
  );
}

async function swaps(scene: Scene, progress: (line: string) => void): Promise<Figure> {
  progress(`${SWAPS} hot swaps under prompts`);
  await scene.clock(scene.now_s, SPEED);
  let swapping = true;
  const asked: Asked[] = [];
  const asking = (async () => {
    for (let n = 0; swapping; n++) asked.push(await scene.client.call('ask', { n, gzip: true, judge: true }));
  })();
  for (let n = 0; n < SWAPS; n++) await scene.swap();
  swapping = false;
  await asking;
  const dropped = asked.filter(({ verdict }) => verdict !== 'CORRECT').length;
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
  const { client, stranger } = scene;
  const stream = async (count = REQUESTS / ROUNDS): Promise<number[]> =>
    times(await client.call('stream', count, EVERY_MS, true));
  const [calm, real]: [number[], number[]] = [[], []];
  const cpu = { calm: processor(), real: processor() };
  let [sent, answered, refused] = [0, 0, 0];
  await stream(8);
  for (let round = 1; round <= ROUNDS; round++) {
    cpu.calm.start();
    calm.push(...(await stream()));
    cpu.calm.stop();
    const flooding = stranger.call('flood', FLOOD_PER_MINUTE);
    await stream(2);
    cpu.real.start();
    real.push(...(await stream()));
    cpu.real.stop();
    await stranger.call('calm');
    const flood = await flooding;
    sent += flood.sent;
    answered += flood.answered;
    refused += flood.refused;
    progress(
      `round ${round}: p50 ${quantile(calm, 0.5).toFixed(0)} and ${quantile(real, 0.5).toFixed(0)} ms, p99 ${quantile(calm, 0.99).toFixed(0)} and ${quantile(real, 0.99).toFixed(0)} ms`,
    );
  }
  progress(`of ${sent} forged and replayed requests ${refused} were refused with 401`);
  return [
    figure(
      'flood_answered',
      '1',
      answered,
      sent,
      'forged or replayed requests that got a forecast; reference: those sent',
    ),
    figure(
      'flood_cpu',
      '1',
      cpu.real.share(),
      cpu.calm.share(),
      "cores that the miner's process takes, whatever else the machine does; reference: without the flood",
    ),
    figure(
      'flood_p99_ratio',
      'ms',
      quantile(real, 0.99),
      quantile(calm, 0.99),
      `real prompts beside the flood, from another process and address; reference: without it, in turns of ${(REQUESTS / ROUNDS) * (EVERY_MS / 1000)} s`,
    ),
  ];
}

/** Seconds of processor time that this process, all its threads, takes in a second of some stretches. */
function processor() {
  let [used, spent, began] = [0, 0, 0];
  let at = process.cpuUsage();
  return {
    start(): void {
      at = process.cpuUsage();
      began = performance.now();
    },
    stop(): void {
      const { user, system } = process.cpuUsage(at);
      used += (user + system) / 1e6;
      spent += (performance.now() - began) / 1e3;
    },
    share: (): number => used / spent,
  };
}
