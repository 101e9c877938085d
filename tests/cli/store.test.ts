// What `swarm up` tells its agents of the artifact store: enough to reach it, and no secret where others can read it.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { s3Settings } from '../../blackboard/artifacts/s3-settings.js';
import { fleet } from '../../cli/up/fleet.js';
import { lookAtStore, storeEnvironment, usesArtifacts } from '../../cli/up/store.js';
import { KEY, type S3Server, SECRET, startS3 } from '../blackboard/artifacts/server.js';

let server: S3Server;
let directory: string;
let state: string;
beforeAll(async () => {
  server = await startS3();
});
afterAll(() => server.close());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'swarm-store-'));
  state = join(directory, 'state');
  mkdirSync(state);
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the environment of agents', () => {
  it('is empty where the directory is the store', () => {
    expect(storeEnvironment({ PATH: '/bin', SWARM_HOME: '/h' }, state)).toEqual({});
    expect(readdirSync(state)).toEqual([]);
  });

  it('names files of mode 0600 in place of secrets, and reads as the same settings', () => {
    const env = storeEnvironment({ ...server.env, SWARM_HOME: '/h', AWS_PROFILE: 'p' }, state);
    expect(JSON.stringify(env)).not.toContain(SECRET);
    expect(JSON.stringify(env)).not.toContain(KEY);
    expect(Object.keys(env).every((name) => name.startsWith('SWARM_S3_'))).toBe(true);
    for (const file of readdirSync(state)) expect(statSync(join(state, file)).mode & 0o777).toBe(0o600);
    expect(s3Settings(env)).toEqual(s3Settings(server.env));
  });

  it('passes on files that a person named, by their full path, and copies nothing', () => {
    const file = join(directory, 'secret');
    writeFileSync(file, SECRET, { mode: 0o600 });
    const { SWARM_S3_SECRET_ACCESS_KEY: _, ...rest } = server.env;
    const env = storeEnvironment({ ...rest, SWARM_S3_SECRET_ACCESS_KEY_FILE: relative('.', file) }, state);
    expect(env['SWARM_S3_SECRET_ACCESS_KEY_FILE']).toBe(file);
    expect(readdirSync(state)).toEqual(['s3-access-key-id']);
  });

  it('leaves no secret behind once the directory is the store again', () => {
    storeEnvironment(server.env, state);
    storeEnvironment({}, state);
    expect(readdirSync(state)).toEqual([]);
  });

  it('is for those alone who store or read artifacts', () => {
    const members = fleet({
      explorers: 1,
      thinking: { strategist: 'evolve', env: {} },
      optimizers: 1,
      saboteurs: 1,
      events: true,
      fed: true,
      feedEnv: {},
      minerPort: 1,
      spool: '',
    });
    const others = members.filter(({ role }) => !usesArtifacts(role)).map(({ role }) => role);
    expect(others).toEqual(['relay', 'feed', 'validator']);
  });
});

describe('the first look', () => {
  it('names the bucket and no secret', async () => {
    const said = await lookAtStore(directory, server.env);
    expect(said).toContain(`${server.env['SWARM_S3_ENDPOINT']}/swarm/`);
    expect(said).not.toContain(SECRET);
    expect(await lookAtStore(directory, {})).toBe(directory);
  });

  it.each([
    [{ SWARM_S3_BUCKET: 'elsewhere' }, 'SWARM_E_STORE_BUCKET'],
    [{ SWARM_S3_SECRET_ACCESS_KEY: 'wrong-wrong-wrong' }, 'SWARM_E_STORE_AUTH'],
    [{ SWARM_S3_BUCKET: undefined }, 'SWARM_E_USAGE'],
  ])('ends before anything starts with %j', async (change, code) => {
    await expect(lookAtStore(directory, { ...server.env, ...change })).rejects.toMatchObject({ code });
  });

  it('lets the swarm start when the bucket does not answer', async () => {
    await server.fault({ kind: 'hang', times: 1000 });
    expect(await lookAtStore(directory, server.env)).toContain('does not answer');
    await server.heal();
  });
});
