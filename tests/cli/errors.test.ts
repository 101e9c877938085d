// The table of error codes is complete: a reader who meets a code finds it in docs/errors.md.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url).pathname;
const CODE = /SWARM_[EWI]_[A-Z0-9_]*[A-Z0-9]/g;

function* sources(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.(ts|sql|sh)$/.test(entry.name)) yield path;
  }
}

const used = new Set(
  ['agents', 'blackboard', 'cli', 'deploy', 'forecast', 'miner', 'trust'].flatMap((room) =>
    [...sources(join(root, room))].flatMap((path) => readFileSync(path, 'utf8').match(CODE) ?? []),
  ),
);
const documented = new Set(readFileSync(join(root, 'docs/errors.md'), 'utf8').match(CODE));

describe('docs/errors.md', () => {
  it('names every code that the source can raise', () => {
    expect([...used].filter((code) => !documented.has(code))).toEqual([]);
  });

  it('names no code that the source does not know', () => {
    expect([...documented].filter((code) => !used.has(code))).toEqual([]);
  });
});
