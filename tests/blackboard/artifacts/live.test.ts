// The contract of the bucket store with a real S3 service: run it with SWARM_S3_* set to the service in question.
// It leaves two objects under the prefix swarm-contract-test/, always the same ones.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArtifactStore } from '../../../blackboard/artifacts/open.js';
import { type Environment, s3Environment } from '../../../blackboard/artifacts/s3-settings.js';
import { type ArtifactStore, sha256 } from '../../../blackboard/artifacts.js';

const given = s3Environment(process.env);
const live = Object.keys(given).length > 0;
const small = Buffer.from('swarm contract test, small');
const large = Buffer.alloc(11 * 1024 * 1024, 'swarm contract test, large');
const PREFIX = { SWARM_S3_PREFIX: 'swarm-contract-test' };

describe.skipIf(!live)(`a real S3 service${live ? '' : ' (skipped: no SWARM_S3_* is set)'}`, () => {
  let directory: string;
  const machine = (name: string, change: Environment = {}): Promise<ArtifactStore> =>
    openArtifactStore({
      directory: join(directory, name),
      env: { ...given, ...PREFIX, ...change },
      warn: () => undefined,
    });
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'swarm-live-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it.each([
    ['whole', small],
    ['in parts', large],
  ])('takes an artifact %s, twice, and gives it to another machine', async (_, bytes) => {
    const store = await machine('author');
    const digest = await store.put(bytes);
    expect(await store.put(bytes)).toBe(digest);
    const elsewhere = await machine('reader');
    expect(await elsewhere.size(digest)).toBe(bytes.length);
    expect(sha256(await elsewhere.get(digest))).toBe(digest);
  });

  it('lists them in order', async () => {
    const listed: string[] = [];
    for await (const digest of (await machine('author')).list()) listed.push(digest);
    expect(listed).toEqual([sha256(small), sha256(large)].sort());
  });

  it('names what is missing', async () => {
    const store = await machine('author');
    expect(await store.size('0'.repeat(64))).toBeNull();
    await expect(store.get('0'.repeat(64))).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_MISSING' });
    const nowhere = await machine('author', { SWARM_S3_BUCKET: `${sha256('no such bucket').slice(0, 40)}` });
    await expect(nowhere.size('0'.repeat(64))).rejects.toMatchObject({
      code: expect.stringMatching(/SWARM_E_STORE_(BUCKET|AUTH)/),
    });
  });

  it('refuses a wrong secret', async () => {
    const wrong = {
      SWARM_S3_SECRET_ACCESS_KEY: 'wrong'.repeat(8),
      SWARM_S3_SECRET_ACCESS_KEY_FILE: undefined,
    };
    await expect((await machine('author', wrong)).size('0'.repeat(64))).rejects.toMatchObject({
      code: 'SWARM_E_STORE_AUTH',
    });
  });
});
