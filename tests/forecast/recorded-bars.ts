// Recorded bars for tests that measure skill: found outside the project, never part of it.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { type ParsedBars, parseBarsCsv } from '../../forecast/bars.js';

// From the sources, and from dist/ one folder deeper.
const here = fileURLToPath(new URL('../../', import.meta.url));
const root = existsSync(join(here, 'package.json')) ? here : join(here, '..');
const { SWARM_TEST_DATA } = process.env;
const shared = SWARM_TEST_DATA ?? join(root, '..', 'shared');

/** Path of one recorded series, or undefined when this machine has none. */
export function recordedFile(asset: string, minutes: number): string | undefined {
  const path = join(shared, 'data', `${asset}_${minutes}m.csv.gz`);
  return existsSync(path) ? path : undefined;
}

export function readRecorded(path: string, asset: string, minutes: number): ParsedBars {
  return parseBarsCsv(gunzipSync(readFileSync(path)).toString(), { file: path, asset, step: minutes * 60 });
}
