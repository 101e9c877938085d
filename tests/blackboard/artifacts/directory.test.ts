// The directory store keeps bytes under their own digest, or says what is wrong with them.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directoryStore } from '../../../blackboard/artifacts/directory.js';
import { type ArtifactStore, MAX_ARTIFACT_BYTES, placeOf, sha256 } from '../../../blackboard/artifacts.js';
import { flipBit } from './spoil.js';

let root: string;
let store: ArtifactStore;
const bytes = Buffer.from('an artifact'.repeat(1000));
const pathOf = (digest: string): string => join(root, placeOf(digest));
const files = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'swarm-artifacts-'));
  store = directoryStore(root);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('put', () => {
  it('stores bytes under their sha256, readable by their owner only', async () => {
    const digest = await store.put(bytes);
    expect(digest).toBe(sha256(bytes));
    expect(Buffer.from(await store.get(digest))).toEqual(bytes);
    expect(statSync(pathOf(digest)).mode & 0o777).toBe(0o600);
  });

  it('leaves one file when thirty put the same bytes at once', async () => {
    const same = Buffer.alloc(300_000, 7);
    const digests = await Promise.all(Array.from({ length: 30 }, () => store.put(same)));
    expect(new Set(digests)).toEqual(new Set([sha256(same)]));
    expect(files(join(root, digests[0]!.slice(0, 2))).filter((name) => name.startsWith(digests[0]!))).toEqual(
      [digests[0]],
    );
    expect(Buffer.from(await store.get(digests[0]!))).toEqual(same);
  });

  it('completes what an earlier, shorter file of that name left', async () => {
    const digest = await store.put(Buffer.from('cut short'));
    truncateSync(pathOf(digest), 3);
    await store.put(Buffer.from('cut short'));
    expect(String(await store.get(digest))).toBe('cut short');
  });

  it('puts right what was altered, and does not take its length for it', async () => {
    const digest = await store.put(Buffer.from('altered'));
    flipBit(pathOf(digest));
    await store.put(Buffer.from('altered'));
    expect(String(await store.get(digest))).toBe('altered');
  });

  it('gives up with the reason of the caller', async () => {
    const reason = new Error('the lease is lost');
    await expect(store.put(Buffer.from('late'), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(await store.size(sha256('late'))).toBeNull();
  });

  it('takes nothing that is larger than any artifact', async () => {
    await expect(store.put(new Uint8Array(MAX_ARTIFACT_BYTES + 1))).rejects.toMatchObject({
      code: 'SWARM_E_ARTIFACT_SIZE',
    });
  });

  it('stores no bytes at all under the digest of nothing', async () => {
    expect(await store.get(await store.put(new Uint8Array()))).toHaveLength(0);
  });
});

describe('get', () => {
  it.each([
    ['cut short', (digest: string) => truncateSync(pathOf(digest), bytes.length - 1)],
    ['emptied', (digest: string) => truncateSync(pathOf(digest), 0)],
    ['flipped in one bit', (digest: string) => flipBit(pathOf(digest))],
    [
      'longer by a byte',
      (digest: string) => writeFileSync(pathOf(digest), Buffer.concat([bytes, Buffer.from([0])])),
    ],
  ])('refuses a file that was %s', async (_, spoil) => {
    const digest = await store.put(bytes);
    spoil(digest);
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_DIGEST' });
    rmSync(pathOf(digest));
  });

  it('says that an artifact is missing', async () => {
    await expect(store.get('0'.repeat(64))).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_MISSING' });
  });

  it.each(['../../etc/passwd', 'A'.repeat(64), '', `${'0'.repeat(64)}\n`])(
    'takes no path for a digest: %j',
    async (name) => {
      await expect(store.get(name)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_MISSING' });
    },
  );
});

describe('size and list', () => {
  it('say what is stored, in order, from any point, past names that are none', async () => {
    const apart = directoryStore(join(root, 'apart'));
    const list = async (after?: string): Promise<string[]> => {
      const found: string[] = [];
      for await (const digest of apart.list(after)) found.push(digest);
      return found;
    };
    expect(await list()).toEqual([]);
    const digests = await Promise.all(Array.from({ length: 50 }, (_, i) => apart.put(Buffer.from(`${i}`))));
    digests.sort();
    mkdirSync(join(root, 'apart', 'cache'));
    mkdirSync(join(root, 'apart', 'AB'), { recursive: true });
    const shelf = join(root, 'apart', digests[0]!.slice(0, 2));
    for (const name of ['notes.txt', `${digests[0]}.x.part`, 'f'.repeat(64)])
      writeFileSync(join(shelf, name), 'x');
    expect(await list()).toEqual(digests);
    expect(await list(digests[20])).toEqual(digests.slice(21));
    expect(await apart.size(digests[0]!)).toBeLessThan(3);
    expect(await apart.size('0'.repeat(64))).toBeNull();
  });

  it('a file larger than any artifact is not read', async () => {
    const digest = await store.put(Buffer.from('grows'));
    truncateSync(pathOf(digest), MAX_ARTIFACT_BYTES + 1);
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_SIZE' });
  });
});

const small = mountable();
describe('a directory that may not be written', () => {
  it.skipIf(small !== null)(
    `refuses what is new and gives what is there${small === null ? '' : ` (skipped: ${small})`}`,
    async () => {
      const disk = join(root, 'sealed');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'swarm-test', disk]);
      try {
        const sealed = directoryStore(disk);
        const kept = await sealed.put(Buffer.from('kept'));
        execFileSync('mount', ['-o', 'remount,ro', disk]);
        expect(await sealed.put(Buffer.from('kept'))).toBe(kept);
        expect(String(await sealed.get(kept))).toBe('kept');
        await expect(sealed.put(Buffer.from('new'))).rejects.toMatchObject({ code: 'SWARM_E_STORE_REFUSED' });
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );
});

describe('a full disk', () => {
  it.skipIf(small !== null)(
    `is said to be full, and nothing half-written stays${small === null ? '' : ` (skipped: ${small})`}`,
    async () => {
      const disk = join(root, 'small');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'swarm-test', disk]);
      try {
        const full = directoryStore(disk);
        const kept = await full.put(Buffer.alloc(20_000, 1));
        await expect(full.put(Buffer.alloc(200_000, 2))).rejects.toMatchObject({ code: 'SWARM_E_DISK_FULL' });
        expect(files(disk)).toEqual([kept]);
        expect(await full.get(kept)).toHaveLength(20_000);
        expect(await full.put(Buffer.alloc(10_000, 3))).toMatch(/^[0-9a-f]{64}$/);
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );
});

/** Null when this process may mount a file system, else why not. */
function mountable(): string | null {
  if (process.platform !== 'linux') return 'no tmpfs on this system';
  if (process.getuid?.() !== 0) return 'mounting needs root';
  const probe = mkdtempSync(join(tmpdir(), 'swarm-mount-'));
  try {
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'swarm-test', probe], {
      encoding: 'utf8',
    });
    if (mounted.status !== 0) return (mounted.stderr || String(mounted.error)).trim().split('\n')[0]!;
    execFileSync('umount', [probe]);
    return null;
  } finally {
    rmSync(probe, { recursive: true });
  }
}
