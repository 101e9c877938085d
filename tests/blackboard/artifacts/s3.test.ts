// The store in a bucket, against a server that checks signatures: what it keeps, whole and in parts, and what it lists.
import { randomBytes } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { placeOf, sha256 } from '../../../blackboard/artifacts.js';
import { bucketScene, listed, MB, small } from './scene.js';
import type { Fault } from './server.js';

const scene = bucketScene();
const keyOf = (bytes: Uint8Array): string => placeOf(sha256(bytes));

describe('a bucket', () => {
  it('gives back what was put, under its digest with two digits in front', async () => {
    const bytes = small();
    const digest = await scene.store.put(bytes);
    expect(digest).toBe(sha256(bytes));
    expect(Buffer.from(await scene.store.get(digest))).toEqual(bytes);
    expect(await scene.store.size(digest)).toBe(bytes.length);
    expect((await scene.server.look()).keys).toContain(`${digest.slice(0, 2)}/${digest}`);
  });

  it('keeps nothing at all under the digest of nothing', async () => {
    const digest = await scene.store.put(new Uint8Array());
    expect(await scene.store.get(digest)).toHaveLength(0);
    expect(await scene.store.size(digest)).toBe(0);
  });

  it('keeps to its prefix', async () => {
    const apart = scene.open({ SWARM_S3_PREFIX: 'a_team/swarm.1/' });
    const digest = await apart.put(small());
    expect((await scene.server.look()).keys).toContain(`a_team/swarm.1/${placeOf(digest)}`);
    expect(await listed(apart)).toEqual([digest]);
    expect(await listed(scene.store)).not.toContain(digest);
    await expect(scene.store.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_MISSING' });
  });

  it('is written once when eight put the same bytes at once', async () => {
    const bytes = small();
    const writers = Array.from({ length: 8 }, () => scene.open());
    expect(new Set(await Promise.all(writers.map((w) => w.put(bytes))))).toEqual(new Set([sha256(bytes)]));
    expect(Buffer.from(await scene.store.get(sha256(bytes)))).toEqual(bytes);
    await scene.store.put(bytes);
  });

  it('is reached by its own settings alone, whatever AWS_* says', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', 'http://127.0.0.1:9');
    vi.stubEnv('AWS_PROFILE', 'nobody');
    vi.stubEnv('AWS_REGION', 'mars-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDSTRANGER');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'strange');
    vi.stubEnv('AWS_USE_FIPS_ENDPOINT', 'true');
    vi.stubEnv('AWS_MAX_ATTEMPTS', '9');
    vi.stubEnv('AWS_REQUEST_CHECKSUM_CALCULATION', 'nonsense');
    try {
      const digest = await scene.open().put(small());
      expect(await scene.open().get(digest)).toHaveLength(20_000);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('takes checksums on every request where they are wanted', async () => {
    const bytes = small();
    expect(await scene.open({ SWARM_S3_CHECKSUMS: 'when_supported' }).put(bytes)).toBe(sha256(bytes));
  });

  it('lists every artifact in order, over pages, from any point, past names that are none', async () => {
    const digests = Array.from({ length: 2300 }, (_, i) => sha256(`listed ${i}`)).sort();
    const place = (digest: string): string => `many/${placeOf(digest)}`;
    const strange = [
      'many/../../etc/passwd',
      `many/00/${'0'.repeat(63)}`,
      `many/00/${'f'.repeat(64)}`,
      `many/AB/${'AB'.repeat(32)}`,
      `many/00/${'0'.repeat(64)}.part`,
      'many/a&b<c>"d\'',
      'many/%zz',
      'many/\u0001\u0007',
      'many/ünïcode +',
      'manyfold',
    ];
    await scene.server.store([...digests.map(place), ...strange].map((key) => [key, 'x'] as const));
    const many = scene.open({ SWARM_S3_PREFIX: 'many' });
    await scene.server.look();
    expect(await listed(many)).toEqual(digests);
    expect((await scene.server.look()).seen).toHaveLength(3);
    expect(await listed(many, digests[1200])).toEqual(digests.slice(1201));
    expect(await listed(many, digests.at(-1))).toEqual([]);
  });

  it.each(['../../etc/passwd', 'A'.repeat(64), '', `${'0'.repeat(64)}\n`])(
    'takes no path for a digest: %j',
    async (name) => {
      await expect(scene.store.get(name)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_MISSING' });
    },
  );

  it('says which artifact is missing, and asks once', async () => {
    await scene.server.look();
    await expect(scene.store.get('0'.repeat(64))).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_MISSING' });
    expect((await scene.server.look()).seen).toHaveLength(1);
    expect(await scene.store.size('0'.repeat(64))).toBeNull();
  });
});

describe('an artifact in parts', () => {
  const large = (): Buffer => randomBytes(12 * MB);

  it('goes up in three and comes back whole', async () => {
    const bytes = large();
    await scene.server.look();
    const digest = await scene.store.put(bytes);
    const { seen, uploads } = await scene.server.look();
    expect(seen.filter((request) => request.includes('partNumber'))).toHaveLength(3);
    expect(uploads).toBe(0);
    expect(sha256(await scene.store.get(digest))).toBe(digest);
    expect(await scene.store.size(digest)).toBe(bytes.length);
  });

  it('carries checksums in every part where they are wanted', async () => {
    const digest = await scene.open({ SWARM_S3_CHECKSUMS: 'when_supported' }).put(large());
    expect(sha256(await scene.store.get(digest))).toBe(digest);
  });

  it('is not there, and no part of it, when the second part is refused', async () => {
    const bytes = large();
    await scene.server.fault({ kind: 'refuse', on: 'PUT partNumber=2', status: 403, code: 'AccessDenied' });
    await expect(scene.store.put(bytes)).rejects.toMatchObject({ code: 'SWARM_E_STORE_AUTH' });
    const { uploads, keys } = await scene.server.look();
    expect(uploads).toBe(0);
    expect(keys).not.toContain(keyOf(bytes));
    expect(await scene.store.size(sha256(bytes))).toBeNull();
  });

  it('outlives a second part that breaks twice', async () => {
    const bytes = large();
    await scene.server.fault({ kind: 'reset', on: 'PUT partNumber=2' });
    await scene.server.fault({ kind: 'refuse', on: 'PUT partNumber=2', status: 500, code: 'InternalError' });
    const digest = await scene.store.put(bytes);
    expect(sha256(await scene.store.get(digest))).toBe(digest);
    expect((await scene.server.look()).uploads).toBe(0);
  });

  it.each([{ kind: 'lost answer' }, { kind: 'error inside' }] as Fault[])(
    'is known to be stored when the last answer is wrong: $kind',
    async (fault) => {
      const bytes = large();
      await scene.server.fault({ ...fault, on: 'POST uploadId' });
      const digest = await scene.store.put(bytes);
      expect(sha256(await scene.store.get(digest))).toBe(digest);
    },
  );

  it('yields to the same one that stands already, and takes its parts away', async () => {
    const bytes = large();
    await scene.store.put(bytes);
    await scene.store.put(bytes);
    expect((await scene.server.look()).uploads).toBe(0);
  });
});
