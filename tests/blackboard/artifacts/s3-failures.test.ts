// The store in a bucket when things go wrong: what it sees through, for how long, and what it refuses by name.
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { s3Judge } from '../../../blackboard/artifacts/s3-errors.js';
import { s3Settings } from '../../../blackboard/artifacts/s3-settings.js';
import { placeOf, sha256 } from '../../../blackboard/artifacts.js';
import { bucketScene, listed, MB, small } from './scene.js';
import { type Fault, KEY, SECRET } from './server.js';

const scene = bucketScene();

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
    await scene.server.fault(fault);
    const digest = await scene.store.put(bytes);
    expect(Buffer.from(await scene.store.get(digest))).toEqual(bytes);
  });

  it.each(['hang', 'stall'] as const)('a get in which nothing moves any more: %s', async (kind) => {
    const impatient = scene.open({}, { idle_ms: 300 });
    const digest = await impatient.put(small());
    await scene.server.fault({ kind, on: 'GET' });
    expect(await impatient.get(digest)).toHaveLength(20_000);
    await scene.server.fault({ kind, on: 'GET', times: 1000 });
    await expect(scene.open({}, { idle_ms: 300, deadline_ms: 500 }).get(digest)).rejects.toMatchObject({
      code: 'SWARM_E_STORE_UNREACHABLE',
      message: expect.stringContaining('it stopped answering'),
    });
  });

  it('a body that is slow and moves is waited for', async () => {
    const digest = await scene.store.put(small());
    await scene.server.fault({ kind: 'slow', on: 'GET', bytes: 1000, every_ms: 150 });
    await scene.server.look();
    expect(await scene.open({}, { idle_ms: 2000 }).get(digest)).toHaveLength(20_000);
    expect((await scene.server.look()).seen).toHaveLength(1);
  });

  it('a clock that differs by an hour is put right once', async () => {
    await scene.server.clock(3_600_000);
    const digest = await scene.open().put(small());
    expect(digest).toHaveLength(64);
  });

  it('a page of a listing', async () => {
    await scene.server.fault({ kind: 'refuse', on: 'GET list-type', status: 503, code: 'SlowDown' });
    expect((await listed(scene.store)).length).toBeGreaterThan(0);
  });

  it('until the deadline, and then it is an outage', async () => {
    await scene.server.fault({ kind: 'refuse', times: 1000, status: 503, code: 'SlowDown' });
    const hasty = scene.open({}, { deadline_ms: 500 });
    await expect(hasty.put(small())).rejects.toMatchObject({
      code: 'SWARM_E_STORE_UNREACHABLE',
      message: expect.stringContaining('SlowDown'),
    });
    await expect(hasty.get('0'.repeat(64))).rejects.toMatchObject({ code: 'SWARM_E_STORE_UNREACHABLE' });
    await expect(hasty.size('0'.repeat(64))).rejects.toMatchObject({ code: 'SWARM_E_STORE_UNREACHABLE' });
  });

  it('until the caller gives up, with the caller’s reason', async () => {
    await scene.server.fault({ kind: 'hang', times: 1000 });
    const reason = new Error('the lease is lost');
    const caller = new AbortController();
    const put = scene.store.put(small(), caller.signal);
    await expect.poll(async () => (await scene.server.look()).seen.length).toBe(1);
    caller.abort(reason);
    await expect(put).rejects.toBe(reason);
  });

  it('until the process is asked to stop, with what failed, and not once more', async () => {
    await scene.server.fault({ kind: 'refuse', times: 1000, status: 503, code: 'SlowDown' });
    const stop = new AbortController();
    // Drawn before the pause: the process is asked to stop during it.
    const random = (): number => {
      setImmediate(() => stop.abort());
      return 1;
    };
    await scene.server.look();
    const put = scene.open({}, { stopping: stop.signal, random }).put(small());
    await expect(put).rejects.toMatchObject({ code: 'SWARM_E_STORE_UNREACHABLE' });
    expect((await scene.server.look()).seen).toHaveLength(1);
  });

  it('until the process is asked to stop, though nothing answers', async () => {
    await scene.server.fault({ kind: 'hang', times: 1000 });
    const stop = new AbortController();
    const put = scene.open({}, { stopping: stop.signal }).put(small());
    await expect.poll(async () => (await scene.server.look()).seen.length).toBe(1);
    stop.abort();
    await expect(put).rejects.toMatchObject({ code: 'SWARM_E_STORE_UNREACHABLE' });
  });
});

describe('what is wrong with an object is said, and said once', () => {
  it.each(['flip', 'short'] as const)('bytes that are not what they are called: %s', async (kind) => {
    const digest = await scene.store.put(small());
    await scene.server.fault({ kind, on: 'GET' });
    await scene.server.look();
    await expect(scene.store.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_DIGEST' });
    expect((await scene.server.look()).seen).toHaveLength(1);
  });

  it('a put over a damaged object is no success', async () => {
    const bytes = small();
    const digest = await scene.store.put(bytes);
    await scene.server.spoil(placeOf(digest));
    await expect(scene.store.put(bytes)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_DIGEST' });
  });

  it('an object without end is hung up on at the limit', async () => {
    const limited = scene.open({}, {}, MB);
    const digest = await limited.put(small());
    await scene.server.fault({ kind: 'endless', on: 'GET' });
    await scene.server.look();
    await expect(limited.get(digest)).rejects.toMatchObject({ code: 'SWARM_E_ARTIFACT_SIZE' });
    // What the sockets between had room for comes on top.
    expect((await scene.server.look()).sent).toBeLessThan(16 * MB);
  });

  it('an object that says it is too large is not read, and none is put', async () => {
    const digest = await scene.store.put(randomBytes(2000));
    const limited = scene.open({}, {}, 1000);
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
    const wrong = scene.open(change);
    await scene.server.look();
    await expect(wrong.put(small())).rejects.toMatchObject({ code });
    await expect(wrong.get('0'.repeat(64))).rejects.toMatchObject({ code });
    await expect(wrong.size('0'.repeat(64))).rejects.toMatchObject({ code });
    await expect(listed(wrong)).rejects.toMatchObject({ code });
    expect((await scene.server.look()).seen).toHaveLength(4);
  });

  it('a right that is lacking', async () => {
    await scene.server.fault({ kind: 'refuse', on: 'PUT', status: 403, code: 'AccessDenied' });
    await expect(scene.store.put(small())).rejects.toMatchObject({ code: 'SWARM_E_STORE_AUTH' });
  });

  it('a clock that stays wrong', async () => {
    await scene.server.fault({ kind: 'refuse', times: 10, status: 403, code: 'RequestTimeTooSkewed' });
    await expect(scene.store.put(small())).rejects.toMatchObject({
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
    const failure = s3Judge(s3Settings(scene.server.env)!)(
      Object.assign(new Error('no line'), { code }),
      false,
    );
    expect(failure).toMatchObject({ passing, error: { code: expected } });
  });

  it('a store without conditional puts, which works once it is told so', async () => {
    await scene.server.conditions('unsupported');
    const bytes = small();
    await expect(scene.store.put(bytes)).rejects.toMatchObject({
      code: 'SWARM_E_STORE_REFUSED',
      hint: expect.stringContaining('SWARM_S3_CONDITIONAL_PUT=false'),
    });
    const plain = scene.open({ SWARM_S3_CONDITIONAL_PUT: 'false' });
    const digest = await plain.put(bytes);
    await plain.put(bytes);
    expect(Buffer.from(await plain.get(digest))).toEqual(bytes);
    const large = randomBytes(6 * MB);
    expect(await plain.put(large)).toBe(sha256(large));
  });

  it('and shows neither key, secret nor signature, whatever the store repeats', async () => {
    await scene.server.fault({ kind: 'echo', secret: SECRET });
    const error = await scene.store.put(small()).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'SWARM_E_STORE_AUTH' });
    const shown = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error) + error.stack;
    expect(shown).not.toContain(SECRET);
    expect(shown).not.toContain(KEY);
    expect(shown).not.toMatch(/Signature=[0-9a-f]/);
  });
});
