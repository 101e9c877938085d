// SWARM_S3_*: a setting that cannot be meant is refused by name, and credentials go nowhere unencrypted.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3Settings } from '../../../blackboard/artifacts/s3-settings.js';

const env = {
  SWARM_S3_ENDPOINT: 'https://s3.eu-central-1.amazonaws.com',
  SWARM_S3_BUCKET: 'swarm-artifacts',
  SWARM_S3_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  SWARM_S3_SECRET_ACCESS_KEY: 'hush-hush',
};
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'swarm-settings-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('settings', () => {
  it('are none when nothing is set, or set to nothing', () => {
    expect(s3Settings({ PATH: '/bin', SWARM_HOME: '/h', SWARM_S3_BUCKET: '' })).toBeNull();
  });

  it('need an endpoint, a bucket and credentials, and have defaults for the rest', () => {
    expect(s3Settings(env)).toEqual({
      endpoint: 'https://s3.eu-central-1.amazonaws.com',
      bucket: 'swarm-artifacts',
      region: 'us-east-1',
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'hush-hush',
      prefix: '',
      pathStyle: true,
      checksums: 'WHEN_REQUIRED',
      conditionalPut: true,
      deadline_s: 120,
      cache_mb: 1024,
    });
  });

  it('take credentials from files, without the line end', () => {
    const file = join(directory, 'secret');
    writeFileSync(file, 'from-a-file\n', { mode: 0o600 });
    const { SWARM_S3_SECRET_ACCESS_KEY: _, ...rest } = env;
    expect(s3Settings({ ...rest, SWARM_S3_SECRET_ACCESS_KEY_FILE: file })!.secretAccessKey).toBe(
      'from-a-file',
    );
  });

  it.each([
    [{ SWARM_S3_PREFIX: 'a/b' }, { prefix: 'a/b/' }],
    [{ SWARM_S3_PREFIX: 'a/' }, { prefix: 'a/' }],
    [{ SWARM_S3_PATH_STYLE: 'false' }, { pathStyle: false }],
    [{ SWARM_S3_CHECKSUMS: 'when_supported' }, { checksums: 'WHEN_SUPPORTED' }],
    [{ SWARM_S3_ENDPOINT: 'http://127.0.0.1:9000' }, { endpoint: 'http://127.0.0.1:9000' }],
    [{ SWARM_S3_ENDPOINT: 'http://localhost:9000/' }, { endpoint: 'http://localhost:9000' }],
    [{ SWARM_S3_ENDPOINT: 'http://[::1]:9000' }, { endpoint: 'http://[::1]:9000' }],
  ])('read %j', (change, expected) => {
    expect(s3Settings({ ...env, ...change })).toMatchObject(expected);
  });

  it('refuse names in front of a host without https', () => {
    const change = { SWARM_S3_ENDPOINT: 'http://localhost:9000', SWARM_S3_PATH_STYLE: 'false' };
    expect(() => s3Settings({ ...env, ...change })).toThrow(/SWARM_S3_PATH_STYLE/);
  });

  it.each([
    ['SWARM_S3_BUKET', 'x'],
    ['SWARM_S3_ENDPOINT', 's3.amazonaws.com'],
    ['SWARM_S3_ENDPOINT', 'http://minio.example:9000'],
    ['SWARM_S3_ENDPOINT', 'http://127.0.0.1.example.com'],
    ['SWARM_S3_ENDPOINT', 'http://localhost.example.com'],
    ['SWARM_S3_ENDPOINT', 'https://user:hush-hush@s3.example'],
    ['SWARM_S3_ENDPOINT', 'https://s3.example/bucket'],
    ['SWARM_S3_ENDPOINT', 'ftp://s3.example'],
    ['SWARM_S3_BUCKET', '../etc'],
    ['SWARM_S3_REGION', 'eu central'],
    ['SWARM_S3_PREFIX', '../up'],
    ['SWARM_S3_PREFIX', '/root'],
    ['SWARM_S3_PREFIX', 'a//b'],
    ['SWARM_S3_PATH_STYLE', 'yes'],
    ['SWARM_S3_CHECKSUMS', 'never'],
    ['SWARM_S3_DEADLINE_S', '0'],
    ['SWARM_S3_CACHE_MB', 'lots'],
    ['SWARM_S3_SECRET_ACCESS_KEY', 'two words'],
    ['SWARM_S3_SECRET_ACCESS_KEY', ''],
    ['SWARM_S3_SECRET_ACCESS_KEY_FILE', '/nowhere/secret'],
    ['SWARM_S3_ACCESS_KEY_ID_FILE', '/nowhere/key'],
  ])('refuse %s=%j by name and without the secret', (name, value) => {
    expect(() => s3Settings({ ...env, [name]: value })).toThrow(
      expect.objectContaining({
        code: 'SWARM_E_USAGE',
        message: expect.stringContaining(name.replace(/_FILE$/, '')),
      }),
    );
    expect(() => s3Settings({ ...env, [name]: value })).not.toThrow(/hush-hush|two words/);
  });
});
