// Files that hold a key: JSON, readable by their owner only, written whole or not at all.
// Promises: a file that others may read is refused before its content is used; nothing of it appears in a message.
// Leaves to others: what is in them.
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { stateOf } from '../db.js';
import { SwarmError } from '../errors.js';

/** What the file says, checked. Every failure but the mode's is what `unusable` makes of its reason. */
export function readPrivate<T>(path: string, schema: z.ZodType<T>, unusable: (why: string) => SwarmError): T {
  let text: string;
  try {
    // The mode first: a key that others could read is not ours alone any more.
    const { mode } = statSync(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw exposed(path, mode);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof SwarmError) throw error;
    throw unusable(
      stateOf(error) === 'ENOENT' ? 'it does not exist' : `it cannot be read (${stateOf(error)})`,
    );
  }
  const parsed = schema.safeParse(jsonOf(text));
  if (!parsed.success)
    throw unusable(
      `its content is not as it should be (${parsed.error.issues.map((i) => i.path.join('.') || i.code).join(', ')})`,
    );
  return parsed.data;
}

/** Writes a file that is not there yet; false when another writer was faster. */
export function writePrivateOnce(path: string, content: object): boolean {
  const draft = writeDraft(path, content);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (stateOf(error) !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft);
  }
}

/** Puts new content in the place of a file in one step. */
export const replacePrivate = (path: string, content: object): void =>
  renameSync(writeDraft(path, content), path);

function writeDraft(path: string, content: object): string {
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}.part`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
  return draft;
}

/** Undefined, which no schema takes, for what is no JSON: a parser's message would quote the file. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function exposed(path: string, mode: number): SwarmError {
  return new SwarmError(
    'SWARM_E_FILE_MODE',
    `${path} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}: others than its owner may read the key in it`,
    `If nobody else can have read it: \`chmod 600 ${path}\`. Otherwise rotate the agent (\`swarm agent rotate\`).`,
  );
}
