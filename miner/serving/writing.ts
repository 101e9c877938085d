// From a forecast to what is sent: anchored to the last price, rounded by the digit rule, written as JSON text.
// Promises: the same prices, to the last bit, as a forecast that began at that anchor, so that digests agree.
import { createHash } from 'node:crypto';
import { Moved } from '../../forecast/offload.js';
import type { ResponseRule } from '../sn50/profile.js';
import type { Prompt } from '../sn50/prompt.js';
import { formatPaths } from '../sn50/response.js';

export interface WriteInput {
  /** Prices [paths x points] from a first price of 1. */
  readonly paths: Float64Array;
  readonly anchor: number;
  readonly prompt: Prompt;
  readonly rule: ResponseRule;
}

export interface Written {
  /** `simulation_output` as JSON text, all of it behind the start. */
  readonly bytes: Uint8Array;
  /** sha256 of the prices before rounding, float64 as in memory. */
  readonly paths_digest: string;
}

/** Prices from an anchor; multiplying at the end is what a walk from the anchor does as well (forecast/onnx/prices.ts). */
export function anchored(paths: Float64Array, anchor: number): Float64Array {
  const prices = new Float64Array(paths.length);
  for (let i = 0; i < prices.length; i++) prices[i] = anchor * paths[i]!;
  return prices;
}

/** Of paths of `points` prices, the first and each `every`-th after it. */
export function thinned(prices: Float64Array, points: number, every: number): Float64Array {
  if (every === 1) return prices;
  const count = prices.length / points;
  const kept = (points - 1) / every + 1;
  const out = new Float64Array(count * kept);
  for (let path = 0; path < count; path++)
    for (let i = 0; i < kept; i++) out[path * kept + i] = prices[path * points + i * every]!;
  return out;
}

export function digestOf(prices: Float64Array): string {
  const bytes = new Uint8Array(prices.buffer, prices.byteOffset, prices.byteLength);
  return createHash('sha256').update(bytes).digest('hex');
}

export async function write({ paths, anchor, prompt, rule }: WriteInput): Promise<Moved<Written>> {
  const prices = anchored(paths, anchor);
  const count = prompt.num_simulations;
  const bytes = formatPaths({ count, points: prices.length / count, prices }, prompt, rule);
  return new Moved({ bytes, paths_digest: digestOf(prices) }, [bytes.buffer as ArrayBuffer]);
}
