// No debug point without a kill: each that the source passes is in the list, each of the list is passed, and a test of this directory
// or the archive's kills somebody there.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { debugPoints } from '../../blackboard/debug-point.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ROOMS = ['agents', 'blackboard', 'cli', 'forecast', 'miner', 'trust'];
const KILLS = /^(kill-.*|nats|migrators)\.test\.ts$/;

/** The code of a file, without its comments. */
const code = (path: string): string =>
  readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

const points = Object.keys(debugPoints).sort();

describe('debug points', () => {
  it('are those of the list, each passed in one place', () => {
    const passed = ROOMS.flatMap((room) =>
      readdirSync(join(ROOT, room), { recursive: true })
        .map(String)
        .filter((path) => path.endsWith('.ts'))
        .flatMap((path) =>
          [...code(join(ROOT, room, path)).matchAll(/await debugPoint\('([^']+)'\)/g)].map(
            ([, point]) => point!,
          ),
        ),
    );
    expect(passed.sort()).toEqual(points);
  });

  it('are each one that a test kills at', () => {
    const here = join(ROOT, 'tests/faults');
    const tests = readdirSync(here)
      .filter((name) => KILLS.test(name))
      .map((name) => code(join(here, name)));
    tests.push(code(join(ROOT, 'tests/blackboard/archive.integration.test.ts')));
    // Nobody but who is killed there stands at a point of these files.
    for (const test of tests) expect(test).toMatch(/\.kill\(/);
    expect(points.filter((point) => !tests.some((test) => test.includes(`'${point}'`)))).toEqual([]);
  });
});
