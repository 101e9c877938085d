// Streams of prompts as validators send them: at a rate whatever the answers take, all at once, or forged.
import { pause } from '../../../blackboard/events/doorbell.js';
import { formatStart, type Prompt, promptStart } from '../../../miner/sn50/prompt.js';
import { validateResponse } from '../../../miner/sn50/response.js';
import {
  type AxonAddress,
  type Dendrite,
  exchange,
  simulationRequest,
  withHeaders,
} from '../../../miner/validator/wire.js';
import { devSigner } from '../../../miner/wallet/sr25519.js';

const DEADLINE_MS = 60_000;
const never = new AbortController().signal;

/** A miner, and who asks it. */
export interface Target {
  readonly axon: AxonAddress;
  readonly dendrites: readonly Dendrite[];
}

/** Development keys, one for each validator. */
export const validators = (count: number): Dendrite[] =>
  Array.from({ length: count }, (_, i) => ({
    signer: devSigner(`//Validator${i}`)!,
    ip: '203.0.113.7',
    uuid: `00000000-0000-1000-8000-${String(i).padStart(12, '0')}`,
  }));

export type Length = '24h' | '1h';

const dayPrompt = (asset = 'BTC'): Prompt => ({
  asset,
  start_time: formatStart(promptStart(Date.now() / 1000)),
  time_increment: 300,
  time_length: 86_400,
  num_simulations: 1000,
});

const promptOf = (asset: string, length: Length): Prompt =>
  length === '24h' ? dayPrompt(asset) : { ...dayPrompt(asset), time_increment: 60, time_length: 3600 };

export interface Question {
  /** Which validator asks. */
  readonly n: number;
  readonly asset?: string;
  readonly length?: Length;
  /** As real ones ask, else as the numpy reference answers. */
  readonly gzip?: boolean;
  readonly timeout_ms?: number;
  /** Whether the answer is read and judged as the validator does. */
  readonly judge?: boolean;
}

export interface Asked {
  /** Null when there was no reply in time. */
  readonly status: number | null;
  /** From sending to the last byte. */
  readonly ms: number;
  /** The validator's verdict, or why there is none. */
  readonly verdict: string;
}

export async function ask({ axon, dendrites }: Target, question: Question): Promise<Asked> {
  const { n, asset, length = '24h', gzip = false, timeout_ms = DEADLINE_MS, judge = false } = question;
  const prompt = promptOf(asset ?? 'BTC', length);
  const signed = simulationRequest(dendrites[n % dendrites.length]!, axon, prompt, timeout_ms / 1000);
  const request = gzip ? signed : withHeaders(signed, { 'Accept-Encoding': null });
  const reply = await exchange(axon, request, timeout_ms);
  if (reply === null) return { status: null, ms: timeout_ms, verdict: 'no reply' };
  const { status, process_time, received_s } = reply;
  const verdict =
    status !== 200 ? `status ${status}` : judge ? verdictOn(prompt, reply.body, process_time) : '';
  return { status, ms: received_s * 1000, verdict };
}

/** Of numbers as JSON.parse reads them, which takes a fifth of the time of Python's own reading. */
function verdictOn(prompt: Prompt, body: string, process_time: number): string {
  const { simulation_output } = JSON.parse(body) as { simulation_output: unknown };
  return validateResponse(simulation_output, prompt, process_time, 'digits8');
}

/** `count` prompts, one every `every_ms`, none waiting for the one before. */
export async function stream(
  target: Target,
  count: number,
  every_ms: number,
  gzip = false,
): Promise<Asked[]> {
  const began = performance.now();
  const asked: Promise<Asked>[] = [];
  for (let n = 0; n < count; n++) {
    const wait = began + n * every_ms - performance.now();
    if (wait > 0) await pause(wait, never);
    asked.push(ask(target, { n, gzip }));
  }
  return Promise.all(asked);
}

/** Forged requests, in turn signed by another key and a true one again; counts those answered with a forecast, and those refused. */
export async function flood(
  { axon, dendrites }: Target,
  per_minute: number,
  stop: AbortSignal,
): Promise<{ sent: number; answered: number; refused: number }> {
  let [sent, answered, refused] = [0, 0, 0];
  const first = dendrites[0]!;
  const mallory = devSigner('//Mallory')!;
  const once = simulationRequest(first, axon, dayPrompt(), 60);
  await exchange(axon, once, DEADLINE_MS);
  const flying = new Set<Promise<void>>();
  const began = performance.now();
  while (!stop.aborted) {
    const due = ((performance.now() - began) / 60_000) * per_minute;
    for (; sent < due; sent++) {
      const forged = simulationRequest(
        { ...first, signer: { ...mallory, ss58: first.signer.ss58 } },
        axon,
        dayPrompt(),
        60,
      );
      const one = exchange(axon, sent % 2 === 0 ? forged : once, DEADLINE_MS).then((reply) => {
        if (reply?.status === 200) answered += 1;
        if (reply?.status === 401) refused += 1;
        flying.delete(one);
      });
      flying.add(one);
    }
    await pause(20, never);
  }
  await Promise.all(flying);
  return { sent, answered, refused };
}
