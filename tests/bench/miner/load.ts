// Streams of prompts as validators send them: at a rate whatever the answers take, all at once, or forged.
import { pause } from '../../../blackboard/events/doorbell.js';
import { formatStart, type Prompt, promptStart } from '../../../miner/sn50/prompt.js';
import { validateResponse } from '../../../miner/sn50/response.js';
import { exchange, simulationRequest, type WireReply, withHeaders } from '../../../miner/validator/wire.js';
import { devSigner } from '../../../miner/wallet/sr25519.js';
import type { Scene } from './scene.js';

const DEADLINE_MS = 60_000;
const never = new AbortController().signal;

export const dayPrompt = (): Prompt => ({
  asset: 'BTC',
  start_time: formatStart(promptStart(Date.now() / 1000)),
  time_increment: 300,
  time_length: 86_400,
  num_simulations: 1000,
});

export const hourPrompt = (): Prompt => ({ ...dayPrompt(), time_increment: 60, time_length: 3600 });

export interface Asked {
  readonly prompt: Prompt;
  readonly reply: WireReply | null;
  readonly ms: number;
}

/** One prompt of the `n`th validator. `gzip`: as real ones ask, else as the numpy reference answers. */
export async function ask(
  scene: Scene,
  n: number,
  prompt = dayPrompt(),
  gzip = false,
  timeout_ms = DEADLINE_MS,
): Promise<Asked> {
  const dendrite = scene.dendrites[n % scene.dendrites.length]!;
  const signed = simulationRequest(dendrite, scene.axon, prompt, timeout_ms / 1000);
  const request = gzip ? signed : withHeaders(signed, { 'Accept-Encoding': null });
  const reply = await exchange(scene.axon, request, timeout_ms);
  return { prompt, reply, ms: reply === null ? timeout_ms : reply.process_time * 1000 };
}

/** The validator's verdict; of numbers as JSON.parse reads them, which takes a fifth of the time of Python's own reading. */
export function isCorrect({ prompt, reply }: Asked): boolean {
  if (reply?.status !== 200) return false;
  const { simulation_output } = JSON.parse(reply.body) as { simulation_output: unknown };
  return validateResponse(simulation_output, prompt, reply.process_time, 'digits8') === 'CORRECT';
}

/** `count` prompts, one every `every_ms`, none waiting for the one before. */
export async function stream(scene: Scene, count: number, every_ms: number, gzip = false): Promise<Asked[]> {
  const began = performance.now();
  const asked: Promise<Asked>[] = [];
  for (let n = 0; n < count; n++) {
    const wait = began + n * every_ms - performance.now();
    if (wait > 0) await pause(wait, never);
    asked.push(ask(scene, n, dayPrompt(), gzip));
  }
  return Promise.all(asked);
}

/** Forged requests, in turn signed by another key and a true one again; returns how many were answered with a forecast. */
export async function flood(
  scene: Scene,
  per_minute: number,
  stop: AbortSignal,
): Promise<{ sent: number; answered: number }> {
  let [sent, answered] = [0, 0];
  const first = scene.dendrites[0]!;
  const mallory = devSigner('//Mallory')!;
  const once = simulationRequest(first, scene.axon, dayPrompt(), 60);
  await exchange(scene.axon, once, DEADLINE_MS);
  const flying = new Set<Promise<void>>();
  const began = performance.now();
  while (!stop.aborted) {
    const due = ((performance.now() - began) / 60_000) * per_minute;
    for (; sent < due; sent++) {
      const forged = simulationRequest(
        { ...first, signer: { ...mallory, ss58: first.signer.ss58 } },
        scene.axon,
        dayPrompt(),
        60,
      );
      const one = exchange(scene.axon, sent % 2 === 0 ? forged : once, DEADLINE_MS).then((reply) => {
        if (reply?.status === 200) answered += 1;
        flying.delete(one);
      });
      flying.add(one);
    }
    await pause(20, never);
  }
  await Promise.all(flying);
  return { sent, answered };
}
