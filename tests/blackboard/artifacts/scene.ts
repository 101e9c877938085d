// What the tests of the bucket store share: one server per file, healed after every test, and stores on it.
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Patience } from '../../../blackboard/artifacts/patience.js';
import { s3Store } from '../../../blackboard/artifacts/s3.js';
import { type Environment, s3Settings } from '../../../blackboard/artifacts/s3-settings.js';
import type { ArtifactStore } from '../../../blackboard/artifacts.js';
import { type S3Server, startS3 } from './server.js';

/** Deadlines far beyond what a test takes, but for those that wait for one. */
const PATIENT: Patience = { deadline_ms: 60_000, idle_ms: 30_000, random: () => 0.1 };

export const MB = 1024 * 1024;
export const small = (): Buffer => randomBytes(20_000);

export interface Scene {
  readonly server: S3Server;
  /** A store with the server's settings. */
  readonly store: ArtifactStore;
  /** A store with other settings, patience or limit. */
  open(change?: Environment, patience?: Partial<Patience>, most_bytes?: number): ArtifactStore;
}

/** The server runs from before the first test of the file until after the last one. */
export function bucketScene(): Scene {
  let server: S3Server;
  let store: ArtifactStore;
  const open: Scene['open'] = (change = {}, patience = {}, most_bytes) =>
    s3Store(s3Settings({ ...server.env, ...change })!, { ...PATIENT, ...patience }, most_bytes);
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
  return {
    open,
    get server() {
      return server;
    },
    get store() {
      return store;
    },
  };
}

export async function listed(from: ArtifactStore, after?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const digest of from.list(after)) found.push(digest);
  return found;
}
