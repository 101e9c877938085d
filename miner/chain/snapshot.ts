// The last good metagraph on disk, with its block and time: what a miner serves from when it starts and no endpoint answers.
// Promises: written whole or not at all; a file that is broken, or of another chain or subnet, is none.
// Leaves to others: how old is too old.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Metagraph } from './metagraph.js';

const axon = z.object({
  ip: z.string(),
  port: z.number(),
  version: z.number(),
  ip_type: z.number(),
  protocol: z.number(),
  block: z.number(),
});
const neuron = z.object({
  uid: z.number().int(),
  hotkey: z.string(),
  coldkey: z.string(),
  stake: z.number(),
  permit: z.boolean(),
  emission: z.number(),
  incentive: z.number(),
  last_update: z.number(),
  axon: axon.nullable(),
});
const snapshot = z.object({
  genesis: z.string(),
  metagraph: z.object({
    netuid: z.number().int(),
    block: z.number().int(),
    hash: z.string(),
    at: z.iso.datetime(),
    runtime: z.number().int(),
    serving_rate_limit: z.number(),
    burn_rao: z.string(),
    neurons: z.array(neuron),
  }),
});

export type Snapshot = z.infer<typeof snapshot>;

export function writeSnapshot(file: string, kept: { genesis: string; metagraph: Metagraph }): void {
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify(kept), { mode: 0o600 });
  renameSync(fresh, file);
}

/** Null when there is none that can be used. */
export function readSnapshot(file: string, netuid: number, genesis: string | null): Snapshot | null {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
  const parsed = snapshot.safeParse(json);
  if (!parsed.success || parsed.data.metagraph.netuid !== netuid) return null;
  return genesis === null || parsed.data.genesis === genesis ? parsed.data : null;
}
