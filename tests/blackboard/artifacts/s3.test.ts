// The store in a bucket, against a server that checks signatures: what it keeps, what it sees through, what it refuses.
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { s3Store } from '../../../blackboard/artifacts/s3.js';
import { s3Judge } from '../../../blackboard/artifacts/s3-errors.js';
import { type Environment, s3Settings } from '../../../blackboard/artifacts/s3-settings.js';
import { type ArtifactStore, placeOf, sha256 } from '../../../blackboard/artifacts.js';
import { type Fault, KEY, type S3Server, SECRET, startS3 } from './server.js';

let server: S3Server;
let store: ArtifactStore;
/** Deadlines far beyond what a test takes, but for those that wait for one. */
const PATIENT = { deadline_ms: 60_000, idle_ms: 30_000, random: () => 0.1 };
const MB = 1024 * 1024;

const open = (change: Environment = {}, patience = {}, most_bytes?: number): ArtifactStore =>
  s3Store(s3Settings({ ...server.env, ...change })!, { ...PATIENT, ...patience }, most_bytes);
const keyOf = (bytes: Uint8Array): string => placeOf(sha256(bytes));
const small = (): Buffer => randomBytes(20_000);
async function listed(from: ArtifactStore, after?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const digest of from.list(after)) found.push(digest);
  return found;
}

beforeAll(async () => {
  server = await startS3();
  store = open();
});
afterEach(async () => {
  await server.heal();
  await server.conditions('kept');
  await server.clock(0);
});
afterAll(() => server.close());

describe('a bucket', () => {
  it('gives back what was put, under its digest with two digits in front', async () => {
    const bytes = small();
    const digest = await store.put(bytes);
    expect(digest).toBe(sha256(bytes));
    expect(Buffer.from(await store.get(digest))).toEqual(bytes);
    expect(await store.size(digest)).toBe(bytes.length);
    expect((await server.look()).keys).toContain(`${digest.slice(0, 2)}/${digest}`);
  });

  it('keeps nothing at all under the digest of nothing', async () => {
    const digest = await store.put(new Uint8Array());
    expect(await store.get(digest)).toHaveLength(0);
    expect(await store.size(digest)).toBe(0);
  });

  it('keeps to its prefix', async () => {
    const apart = open({ SWARM_S3_PREFIX: 'a_team/swarm.1/' });
    const digest = await apart.put(small());
    expect((await server.look()).keys).toContain(`a_team/swarm.1/${placeOf(digest)}`);
    expect(await listed(apart)).toEqual([digest]);
    expect(await listed(store)).not.toContain(digest);
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_MISSING' });
  });

  it('is written once when eight put the same bytes at once', async () => {
    const bytes = small();
    const writers = Array.from({ length: 8 }, () => open());
    expect(new Set(await Promise.all(writers.map((w) => w.put(bytes))))).toEqual(new Set([sha256(bytes)]));
    expect(Buffer.from(await store.get(sha256(bytes)))).toEqual(bytes);
    await store.put(bytes);
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
      const digest = await open().put(small());
      expect(await open().get(digest)).toHaveLength(20_000);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('takes checksums on every request where they are wanted', async () => {
    const bytes = small();
    expect(await open({ SWARM_S3_CHECKSUMS: 'when_supported' }).put(bytes)).toBe(sha256(bytes));
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
    await server.store([...digests.map(place), ...strange].map((key) => [key, 'x'] as const));
    const many = open({ SWARM_S3_PREFIX: 'many' });
    await server.look();
    expect(await listed(many)).toEqual(digests);
    expect((await server.look()).seen).toHaveLength(3);
    expect(await listed(many, digests[1200])).toEqual(digests.slice(1201));
    expect(await listed(many, digests.at(-1))).toEqual([]);
  });

  it.each(['../../etc/passwd', 'A'.repeat(64), '', `${'0'.repeat(64)}\n`])(
    'takes no path for a digest: %j',
    async (name) => {
      await expect(store.get(name)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_MISSING' });
    },
  );

  it('says which artifact is missing, and asks once', async () => {
    await server.look();
    await expect(store.get('0'.repeat(64))).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_MISSING' });
    expect((await server.look()).seen).toHaveLength(1);
    expect(await store.size('0'.repeat(64))).toBeNull();
  });
});

describe('an artifact in parts', () => {
  const large = (): Buffer => randomBytes(12 * MB);

  it('goes up in three and comes back whole', async () => {
    const bytes = large();
    await server.look();
    const digest = await store.put(bytes);
    const { seen, uploads } = await server.look();
    expect(seen.filter((request) => request.includes('partNumber'))).toHaveLength(3);
    expect(uploads).toBe(0);
    expect(sha256(await store.get(digest))).toBe(digest);
    expect(await store.size(digest)).toBe(bytes.length);
  });

  it('carries checksums in every part where they are wanted', async () => {
    const digest = await open({ SWARM_S3_CHECKSUMS: 'when_supported' }).put(large());
    expect(sha256(await store.get(digest))).toBe(digest);
  });

  it('is not there, and no part of it, when the second part is refused', async () => {
    const bytes = large();
    await server.fault({ kind: 'refuse', on: 'PUT partNumber=2', status: 403, code: 'AccessDenied' });
    await expect(store.put(bytes)).rejects.toMatchObject({ code: 'SWARM_E_STORE_AUTH' });
    const { uploads, keys } = await server.look();
    expect(uploads).toBe(0);
    expect(keys).not.toContain(keyOf(bytes));
    expect(await store.size(sha256(bytes))).toBeNull();
  });

  it('outlives a second part that breaks twice', async () => {
    const bytes = large();
    await server.fault({ kind: 'reset', on: 'PUT partNumber=2' });
    await server.fault({ kind: 'refuse', on: 'PUT partNumber=2', status: 500, code: 'InternalError' });
    const digest = await store.put(bytes);
    expect(sha256(await store.get(digest))).toBe(digest);
    expect((await server.look()).uploads).toBe(0);
  });

  it.each([{ kind: 'lost answer' }, { kind: 'error inside' }] as Fault[])(
    'is known to be stored when the last answer is wrong: $kind',
    async (fault) => {
      const bytes = large();
      await server.fault({ ...fault, on: 'POST uploadId' });
      const digest = await store.put(bytes);
      expect(sha256(await store.get(digest))).toBe(digest);
    },
  );

  it('yields to the same one that stands already, and takes its parts away', async () => {
    const bytes = large();
    await store.put(bytes);
    await store.put(bytes);
    expect((await server.look()).uploads).toBe(0);
  });
});

describe('what may pass is tried again', () => {
  it.each([
    { kind: 'reset', on: 'PUT', times: 3 },
    { kind: 'lost answer', on: 'PUT' },
    { kind: 'refuse', on: 'PUT', status: 500, code: 'InternalError', times: 2 },
    { kind: 'refuse', on: 'PUT', status: 503, code: 'SlowDown', times: 3 },
    { kind: 'refuse', on: 'PUT', status: 429, code: 'TooManyRequests' },
    { kind: 'refuse', on: 'PUT', status: 400, code: 'RequestTimeout' },
    { kind: 'refuse', on: 'PUT', status: 409, code: 'ConditionalRequestConflict' },
    { kind: 'html', on: 'PUT', status: 502 },
    { kind: 'reset', on: 'GET' },
    { kind: 'cut', on: 'GET', times: 2 },
    { kind: 'refuse', on: 'GET', status: 503, code: 'SlowDown' },
    { kind: 'html', on: 'GET', status: 504 },
  ] as Fault[])('$on: $kind $status $code', async (fault) => {
    const bytes = small();
    await server.fault(fault);
    const digest = await store.put(bytes);
    expect(Buffer.from(await store.get(digest))).toEqual(bytes);
  });

  it.each(['hang', 'stall'] as const)('a get in which nothing moves any more: %s', async (kind) => {
    const impatient = open({}, { idle_ms: 300 });
    const digest = await impatient.put(small());
    await server.fault({ kind, on: 'GET' });
    expect(await impatient.get(digest)).toHaveLength(20_000);
    await server.fault({ kind, on: 'GET', times: 1000 });
    await expect(open({}, { idle_ms: 300, deadline_ms: 500 }).get(digest)).rejects.toMatchObject({
      code: 'SWARM_E_STORE_UNREACHABLE',
      message: expect.stringContaining('it stopped answering'),
    });
  });

  it('a body that is slow and moves is waited for', async () => {
    const digest = await store.put(small());
    await server.fault({ kind: 'slow', on: 'GET', bytes: 1000, every_ms: 150 });
    await server.look();
    expect(await open({}, { idle_ms: 2000 }).get(digest)).toHaveLength(20_000);
    expect((await server.look()).seen).toHaveLength(1);
  });

  it('a clock that differs by an hour is put right once', async () => {
    await server.clock(3_600_000);
    const digest = await open().put(small());
    expect(digest).toHaveLength(64);
  });

  it('a page of a listing', async () => {
    await server.fault({ kind: 'refuse', on: 'GET list-type', status: 503, code: 'SlowDown' });
    expect((await listed(store)).length).toBeGreaterThan(0);
  });

  it('until the deadline, and then it is an outage', async () => {
    await server.fault({ kind: 'refuse', times: 1000, status: 503, code: 'SlowDown' });
    const hasty = open({}, { deadline_ms: 500 });
    await expect(hasty.put(small())).rejects.toMatchObject({
      code: 'SWARM_E_STORE_UNREACHABLE',
      message: expect.stringContaining('SlowDown'),
    });
    await expect(hasty.get('0'.repeat(64))).rejects.toMatchObject({ code: 'SWARM_E_STORE_UNREACHABLE' });
    await expect(hasty.size('0'.repeat(64))).rejects.toMatchObject({ code: 'SWARM_E_STORE_UNREACHABLE' });
  });

  it('until the caller gives up, with the caller’s reason', async () => {
    await server.fault({ kind: 'hang', times: 1000 });
    const reason = new Error('the lease is lost');
    const caller = new AbortController();
    const put = store.put(small(), caller.signal);
    await expect.poll(async () => (await server.look()).seen.length).toBe(1);
    caller.abort(reason);
    await expect(put).rejects.toBe(reason);
  });

  it('until the process is asked to stop, with what failed, and not once more', async () => {
    await server.fault({ kind: 'refuse', times: 1000, status: 503, code: 'SlowDown' });
    const stop = new AbortController();
    // Drawn before the pause: the process is asked to stop during it.
    const random = (): number => {
      setImmediate(() => stop.abort());
      return 1;
    };
    await server.look();
    const put = open({}, { stopping: stop.signal, random }).put(small());
    await expect(put).rejects.toMatchObject({ code: 'SWARM_E_STORE_UNREACHABLE' });
    expect((await server.look()).seen).toHaveLength(1);
  });

  it('until the process is asked to stop, though nothing answers', async () => {
    await server.fault({ kind: 'hang', times: 1000 });
    const stop = new AbortController();
    const put = open({}, { stopping: stop.signal }).put(small());
    await expect.poll(async () => (await server.look()).seen.length).toBe(1);
    stop.abort();
    await expect(put).rejects.toMatchObject({ code: 'SWARM_E_STORE_UNREACHABLE' });
  });
});

describe('what is wrong with an object is said, and said once', () => {
  it.each(['flip', 'short'] as const)('bytes that are not what they are called: %s', async (kind) => {
    const digest = await store.put(small());
    await server.fault({ kind, on: 'GET' });
    await server.look();
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_DIGEST' });
    expect((await server.look()).seen).toHaveLength(1);
  });

  it('a put over a damaged object is no success', async () => {
    const bytes = small();
    const digest = await store.put(bytes);
    await server.spoil(placeOf(digest));
    await expect(store.put(bytes)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_DIGEST' });
  });

  it('an object without end is hung up on at the limit', async () => {
    const limited = open({}, {}, MB);
    const digest = await limited.put(small());
    await server.fault({ kind: 'endless', on: 'GET' });
    await server.look();
    await expect(limited.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_SIZE' });
    // What the sockets between had room for comes on top.
    expect((await server.look()).sent).toBeLessThan(16 * MB);
  });

  it('an object that says it is too large is not read, and none is put', async () => {
    const digest = await store.put(randomBytes(2000));
    const limited = open({}, {}, 1000);
    await expect(limited.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_SIZE' });
    await expect(limited.put(randomBytes(1001))).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_SIZE' });
  });
});

describe('a refusal names what is wrong', () => {
  it.each([
    ['an unknown key', { SWARM_S3_ACCESS_KEY_ID: 'AKIDSTRANGER' }, 'SWARM_E_STORE_AUTH'],
    ['a wrong secret', { SWARM_S3_SECRET_ACCESS_KEY: 'not-the-secret-at-all' }, 'SWARM_E_STORE_AUTH'],
    ['a bucket that is not there', { SWARM_S3_BUCKET: 'elsewhere' }, 'SWARM_E_STORE_BUCKET'],
    ['another region', { SWARM_S3_REGION: 'mars-1' }, 'SWARM_E_STORE_BUCKET'],
  ])('%s', async (_, change, code) => {
    const wrong = open(change);
    await server.look();
    await expect(wrong.put(small())).rejects.toMatchObject({ code });
    await expect(wrong.get('0'.repeat(64))).rejects.toMatchObject({ code });
    await expect(wrong.size('0'.repeat(64))).rejects.toMatchObject({ code });
    await expect(listed(wrong)).rejects.toMatchObject({ code });
    expect((await server.look()).seen).toHaveLength(4);
  });

  it('a right that is lacking', async () => {
    await server.fault({ kind: 'refuse', on: 'PUT', status: 403, code: 'AccessDenied' });
    await expect(store.put(small())).rejects.toMatchObject({ code: 'SWARM_E_STORE_AUTH' });
  });

  it('a clock that stays wrong', async () => {
    await server.fault({ kind: 'refuse', times: 10, status: 403, code: 'RequestTimeTooSkewed' });
    await expect(store.put(small())).rejects.toMatchObject({
      code: 'SWARM_E_STORE_AUTH',
      hint: expect.stringContaining('clock'),
    });
  });

  it.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SWARM_E_STORE_REFUSED', false],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'SWARM_E_STORE_REFUSED', false],
    ['CERT_HAS_EXPIRED', 'SWARM_E_STORE_REFUSED', false],
    ['ENOTFOUND', 'SWARM_E_STORE_UNREACHABLE', true],
    ['ECONNREFUSED', 'SWARM_E_STORE_UNREACHABLE', true],
  ])('a line that cannot be had: %s', (code, expected, passing) => {
    const failure = s3Judge(s3Settings(server.env)!)(Object.assign(new Error('no line'), { code }), false);
    expect(failure).toMatchObject({ passing, error: { code: expected } });
  });

  it('a store without conditional puts, which works once it is told so', async () => {
    await server.conditions('unsupported');
    const bytes = small();
    await expect(store.put(bytes)).rejects.toMatchObject({
      code: 'SWARM_E_STORE_REFUSED',
      hint: expect.stringContaining('SWARM_S3_CONDITIONAL_PUT=false'),
    });
    const plain = open({ SWARM_S3_CONDITIONAL_PUT: 'false' });
    const digest = await plain.put(bytes);
    await plain.put(bytes);
    expect(Buffer.from(await plain.get(digest))).toEqual(bytes);
    const large = randomBytes(6 * MB);
    expect(await plain.put(large)).toBe(sha256(large));
  });

  it('and shows neither key, secret nor signature, whatever the store repeats', async () => {
    await server.fault({ kind: 'echo', secret: SECRET });
    const error = await store.put(small()).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'SWARM_E_STORE_AUTH' });
    const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) + error.stack;
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain(KEY);
    expect(shown).not.toMatch(/Signature=[0-9a-f]/);
  });
});
