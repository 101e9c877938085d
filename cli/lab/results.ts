// Results of a sweep as JSON lines, one per trial: appended when it ends, read when a sweep goes on.
// Promises: a line is whole or it is not there: what a crash cut off is removed before anything is appended.
// Leaves to others: what is tried. Two sweeps must not share a directory at the same time.
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../../blackboard/errors.js';
import { sha256Hex } from '../../forecast/canonical.js';
import { canonicalJson, type Spec, specDigest, specSchema } from '../../forecast/families/index.js';
import type { Bench } from './trial.js';

const done = z.object({
  mean_crps: z.number(),
  yardstick_crps: z.number(),
  reference_crps: z.number(),
  gain: z.number(),
  se: z.number(),
  gain_reference: z.number(),
  se_reference: z.number(),
  n: z.number(),
  artifact: z.string(),
  fit_from: z.enum(['memory', 'directory', 'fit']),
  fit_ms: z.number(),
  score_ms: z.number(),
});
const failed = z.object({ code: z.string(), message: z.string() });

const row = z.object({
  key: z.string(),
  slot: z.string(),
  family: z.string(),
  spec: specSchema,
  spec_digest: z.string(),
  windows_digest: z.string(),
  dataset_digest: z.string(),
  code_version: z.string(),
  cost_ms: z.number(),
  result: done.optional(),
  failure: failed.optional(),
});
export type Row = z.infer<typeof row>;

/** What makes two trials the same one: then the second is not run. */
export function keyOf(spec: Spec, bench: Bench, code: string): string {
  const { slot, plan_digest, windows_digest, bars } = bench;
  return sha256Hex(
    canonicalJson({
      spec: specDigest(spec),
      slot: slot.slot,
      windows: windows_digest,
      plan: plan_digest,
      dataset: bars.dataset_digest,
      code,
    }),
  );
}

export interface Results {
  /** The last row of each key. */
  readonly rows: Map<string, Row>;
  append(row: Row): void;
}

/** Opens `directory`/results.jsonl, made if need be. Lines that cannot be read are left out with a warning. */
export function openResults(directory: string, warn: (line: string) => void): Results {
  const path = join(directory, 'results.jsonl');
  try {
    mkdirSync(directory, { recursive: true });
    const rows = existsSync(path) ? readRows(path, warn) : new Map<string, Row>();
    return {
      rows,
      append(one) {
        appendFileSync(path, `${JSON.stringify(one)}\n`);
        rows.set(one.key, one);
      },
    };
  } catch (error) {
    throw new SwarmError(
      'SWARM_E_USAGE',
      `${path} cannot be used: ${(error as Error).message}`,
      'Name a directory that can be written, with --out.',
      { cause: error },
    );
  }
}

function readRows(path: string, warn: (line: string) => void): Map<string, Row> {
  const bytes = readFileSync(path);
  const whole = bytes.lastIndexOf(10) + 1;
  if (whole < bytes.length) {
    truncateSync(path, whole);
    warn(`${path}: the last line was cut off and is dropped; its trial runs again`);
  }
  const rows = new Map<string, Row>();
  const lines = bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
  for (const [i, text] of lines.entries()) {
    const parsed = parseRow(text);
    if (parsed === undefined) warn(`${path}:${i + 1}: no result of a sweep; left out`);
    else rows.set(parsed.key, parsed);
  }
  return rows;
}

function parseRow(text: string): Row | undefined {
  try {
    return row.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
