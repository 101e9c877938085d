// Copies on this machine: they save the way to the store, are never believed unread, and never grow past their limit.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cachedStore } from '../../../blackboard/artifacts/cache.js';
import { directoryStore } from '../../../blackboard/artifacts/directory.js';
import { type ArtifactStore, placeOf } from '../../../blackboard/artifacts.js';
import { flipBit } from './spoil.js';

let root: string;
let store: ArtifactStore;
let cached: ArtifactStore;
let fetched: string[];
let warned: string[];
let now_ms: number;
const SIZE = 10_000;
const ROOM = 4;

const copyOf = (digest: string): string => join(root, 'copies', placeOf(digest));
const originalOf = (digest: string): string => join(root, 'store', placeOf(digest));
const copies = (): string[] =>
  readdirSync(join(root, 'copies'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
const open = (directory = join(root, 'copies')): ArtifactStore =>
  cachedStore(
    {
      ...store,
      get: (digest) => {
        fetched.push(digest);
        return store.get(digest);
      },
    },
    {
      directory,
      most_bytes: ROOM * SIZE,
      now: () => ++now_ms,
      warn: (fields, message) => void warned.push(`${message} ${JSON.stringify(fields)}`),
    },
  );

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'swarm-cache-'));
  store = directoryStore(join(root, 'store'));
  fetched = [];
  warned = [];
  now_ms = 1_700_000_000_000;
  cached = open();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a copy', () => {
  it('is made by the first read and saves the second', async () => {
    const digest = await store.put(randomBytes(SIZE));
    expect(Buffer.from(await cached.get(digest))).toEqual(readFileSync(originalOf(digest)));
    await cached.get(digest);
    expect(fetched).toEqual([digest]);
  });

  it('is made by a put, once the store has it', async () => {
    const digest = await cached.put(randomBytes(SIZE));
    expect(existsSync(originalOf(digest))).toBe(true);
    await cached.get(digest);
    expect(fetched).toEqual([]);
  });

  it('is not made of what the store refused', async () => {
    const refusing = { ...store, put: () => Promise.reject(new Error('full')) };
    const full = cachedStore(refusing, {
      directory: join(root, 'copies'),
      most_bytes: SIZE,
      now: Date.now,
      warn: () => undefined,
    });
    await expect(full.put(randomBytes(SIZE))).rejects.toThrow('full');
    expect(existsSync(join(root, 'copies'))).toBe(false);
  });

  it.each([
    ['flipped in one bit', flipBit],
    ['cut short', (path: string) => truncateSync(path, SIZE - 1)],
    ['emptied', (path: string) => truncateSync(path, 0)],
    ['longer by a byte', (path: string) => writeFileSync(path, '!', { flag: 'a' })],
  ])('that was %s is discarded with a line in the log, and fetched again', async (_, spoil) => {
    const digest = await cached.put(randomBytes(SIZE));
    spoil(copyOf(digest));
    expect(await cached.get(digest)).toHaveLength(SIZE);
    expect(fetched).toEqual([digest]);
    expect(warned).toEqual([expect.stringContaining('discarded and fetched again')]);
    expect(readFileSync(copyOf(digest))).toEqual(readFileSync(originalOf(digest)));
  });

  it('is never made of bytes that are wrong in the store', async () => {
    const digest = await store.put(randomBytes(SIZE));
    flipBit(originalOf(digest));
    await expect(cached.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_DIGEST' });
    await expect(cached.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_DIGEST' });
    expect(existsSync(copyOf(digest))).toBe(false);
  });

  it('that was altered goes, though it cannot be fetched again', async () => {
    const digest = await cached.put(randomBytes(SIZE));
    flipBit(copyOf(digest));
    rmSync(originalOf(digest));
    await expect(cached.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_MISSING' });
    expect(existsSync(copyOf(digest))).toBe(false);
  });

  it('says nothing about what is stored', async () => {
    const digest = await cached.put(randomBytes(SIZE));
    rmSync(originalOf(digest));
    expect(await cached.size(digest)).toBeNull();
    const listed: string[] = [];
    for await (const one of cached.list()) listed.push(one);
    expect(listed).toEqual([]);
  });
});

describe('the directory of copies', () => {
  it('lets the least recently read go', async () => {
    const digests: string[] = [];
    for (let i = 0; i < ROOM; i++) digests.push(await cached.put(randomBytes(SIZE)));
    await cached.get(digests[0]!);
    const last = await cached.put(randomBytes(SIZE));
    expect(copies().sort()).toEqual([digests[0], digests[3], last].sort());
    await cached.get(digests[1]!);
    expect(fetched).toEqual([digests[1]]);
  });

  it('keeps what was read last, even when it is larger than all the room', async () => {
    const digest = await cached.put(randomBytes(SIZE * ROOM * 2));
    expect(copies()).toEqual([digest]);
  });

  it('loses drafts of processes that are gone, and no others', async () => {
    await cached.put(randomBytes(SIZE));
    const [old, young] = ['old.part', 'young.part'].map((name) => join(root, 'copies', 'ab', name));
    mkdirSync(join(root, 'copies', 'ab'), { recursive: true });
    for (const path of [old!, young!]) writeFileSync(path, 'x');
    utimesSync(old!, now_ms / 1000 - 7200, now_ms / 1000 - 7200);
    utimesSync(young!, now_ms / 1000 - 60, now_ms / 1000 - 60);
    await cached.put(randomBytes(SIZE));
    expect([existsSync(old!), existsSync(young!)]).toEqual([false, true]);
  });

  it('that cannot be used costs the way to the store and nothing else', async () => {
    writeFileSync(join(root, 'a file'), '');
    const nowhere = open(join(root, 'a file', 'copies'));
    const digest = await nowhere.put(randomBytes(SIZE));
    expect(await nowhere.get(digest)).toHaveLength(SIZE);
    expect(fetched).toEqual([digest]);
    expect(warned.at(-1)).toContain('without a copy');
  });

  it('serves several processes at once that read, evict and meet damage', { timeout: 60_000 }, async () => {
    for (let i = 0; i < 12; i++) await store.put(randomBytes(SIZE));
    const reader = fileURLToPath(new URL('./fixtures/reader.mjs', import.meta.url));
    const args = [reader, join(root, 'store'), join(root, 'copies'), String(ROOM * SIZE), '400'];
    const run = promisify(execFile);
    const readers = Array.from({ length: 3 }, () => run(process.execPath, args));
    let reading = true;
    const spoiling = (async () => {
      while (reading) {
        const [victim] = existsSync(join(root, 'copies'))
          ? copies().filter((name) => name.length === 64)
          : [];
        if (victim !== undefined) flipBit(copyOf(victim));
        await new Promise(setImmediate);
      }
    })();
    const done = await Promise.all(readers).finally(() => {
      reading = false;
    });
    await spoiling;
    // All came back right, or a reader would have failed; and damage was met on the way.
    expect(done.map(({ stdout }) => Number(stdout)).reduce((a, b) => a + b)).toBeGreaterThan(0);
    await cached.put(randomBytes(SIZE));
    expect(copies().reduce((sum, name) => sum + statSync(copyOf(name)).size, 0)).toBeLessThanOrEqual(
      ROOM * SIZE,
    );
  });
});
