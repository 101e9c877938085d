// Where the database and the artifacts of a home are, for commands that look at a swarm from outside.

import { openArtifactStore } from '../blackboard/artifacts/open.js';
import { s3Settings } from '../blackboard/artifacts/s3-settings.js';
import type { ArtifactStore } from '../blackboard/artifacts.js';
import { openExistingHome } from './services/home.js';
import { portsFrom } from './services/ports.js';
import { homeServer } from './services/postgres.js';
import { postgresUrl } from './services/postgres-server.js';

/** Where reading alone goes: SWARM_DATABASE_READ_URL, a replica for instance, or else the database itself. */
export const readingFrom = (path: string | undefined): string =>
  process.env['SWARM_DATABASE_READ_URL'] ?? databaseOf(path);

/** SWARM_DATABASE_URL, or the embedded server's address. Looking never creates a home. */
export function databaseOf(path: string | undefined): string {
  const external = process.env['SWARM_DATABASE_URL'];
  if (external !== undefined) return external;
  const home = openExistingHome(path);
  const url = new URL(postgresUrl(homeServer(home, portsFrom(home.settings.ports.base).postgres)));
  url.pathname = '/swarm';
  return url.toString();
}

/** The store past any copies on this machine: the bucket of SWARM_S3_*, else the directory; null where neither is named. */
export async function storeItself(directory: string | undefined): Promise<ArtifactStore | null> {
  if (directory === undefined && s3Settings(process.env) === null) return null;
  const warn = (_: object, message: string): void => void process.stderr.write(`${message}\n`);
  return openArtifactStore({ directory: directory ?? '', env: process.env, copies: false, warn });
}
