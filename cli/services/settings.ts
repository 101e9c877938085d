// settings.json of a home: ports, which services are ours, and the passwords that were drawn for them.
// Promises: mode 0600; written whole or not at all; two processes that create it together read the same one;
// what does not fit the schema is refused, never patched. Leaves to home.ts: where things are.
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../../blackboard/errors.js';
import { DEFAULT_BASE_PORT, highestBase } from './ports.js';

const password = z.string().regex(/^[0-9a-f]{48,}$/, 'a password is hex, 48 characters or more');

const settingsSchema = z.strictObject({
  version: z.literal(1),
  ports: z.strictObject({ base: z.int().min(1024).max(highestBase) }),
  services: z.strictObject({
    /** `external`: SWARM_DATABASE_URL names it and nothing is started here. */
    postgres: z.enum(['embedded', 'external']),
    /** `auto`: JetStream when a nats-server can be found or installed, else none: Postgres is enough. */
    nats: z.enum(['auto', 'external', 'none']),
  }),
  postgres: z.strictObject({
    /** Recorded once, so that the data is found again when the rule for its place changes. */
    dataDirectory: z.string().refine(isAbsolute, 'must be an absolute path'),
    user: z.string().regex(/^[a-z_][a-z0-9_]*$/),
    password,
  }),
  nats: z.strictObject({ user: z.string().regex(/^[a-z_][a-z0-9_]*$/), password }),
});

export type Settings = Readonly<z.infer<typeof settingsSchema>>;

/** Reads the file, or creates it with fresh passwords. */
export function openSettings(path: string, dataDirectory: string): Settings {
  const existing = readSettings(path);
  if (existing !== null) return existing;
  const drawn: Settings = {
    version: 1,
    ports: { base: DEFAULT_BASE_PORT },
    services: { postgres: 'embedded', nats: 'auto' },
    postgres: { dataDirectory, user: 'postgres', password: randomBytes(24).toString('hex') },
    nats: { user: 'swarm', password: randomBytes(24).toString('hex') },
  };
  const draft = writeDraft(path, drawn);
  try {
    // link() refuses an existing name: of two processes here at once, one wins and both read the winner's.
    linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const stored = readSettings(path);
  if (stored === null) throw invalid(path, 'it vanished while it was being created');
  return stored;
}

/** Replaces the file atomically. */
export function writeSettings(path: string, settings: Settings): void {
  const checked = settingsSchema.safeParse(settings);
  if (!checked.success) throw invalid(path, z.prettifyError(checked.error));
  renameSync(writeDraft(path, checked.data), path);
}

function readSettings(path: string): Settings | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw invalid(path, 'it is not JSON', error);
  }
  const checked = settingsSchema.safeParse(parsed);
  if (!checked.success) throw invalid(path, z.prettifyError(checked.error));
  return checked.data;
}

function writeDraft(path: string, settings: Settings): string {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return draft;
}

function invalid(path: string, why: string, cause?: unknown): SwarmError {
  return new SwarmError(
    'SWARM_E_USAGE',
    `${path} cannot be used: ${why}`,
    'Correct the file or restore it from a backup. It holds the only copy of the database password: ' +
      'do not delete it while you want to keep the data.',
    { cause },
  );
}
