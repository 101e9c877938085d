// The doctor's look at this machine: Node, files that hold keys, room on disks. Reads only.
import { existsSync, readdirSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Finding, failure, ok, warning } from './finding.js';

const NODE = [20, 19] as const;
const GIB = 1024 ** 3;
/** Postgres stops at none, and a full disk takes the last records with it. */
const [LITTLE, TOO_LITTLE] = [5 * GIB, GIB];

export function examineNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const fine = major > NODE[0] || (major === NODE[0] && minor >= NODE[1]);
  if (fine) return ok('node', version);
  return failure('node', `${version} is older than ${NODE.join('.')}`, 'Install Node 20.19, 22 or 24.');
}

/** Where a home keeps keys and passwords. */
const PRIVATE = ['agents', 'owners', 'state'];

/** The home and its files with keys, which nobody else may read. */
export function examineFiles(root: string): Finding[] {
  if (process.platform === 'win32') return [];
  const inside = PRIVATE.map((name) => join(root, name))
    .filter((directory) => existsSync(directory))
    .flatMap((directory) => readdirSync(directory).map((name) => join(directory, name)));
  const open = [root, join(root, 'settings.json'), ...inside].filter(
    (path) => existsSync(path) && (statSync(path).mode & 0o077) !== 0,
  );
  if (open.length === 0) return [ok('files', `only their owner reads the keys under ${root}`)];
  return open.map((path) =>
    failure(
      'files',
      `others may read ${path}`,
      `chmod go= ${path}; if somebody may have, rotate the agents.`,
    ),
  );
}

/** Room on the disks of these directories, each disk once. */
export function examineDisks(directories: readonly string[]): Finding[] {
  const seen = new Set<number>();
  const found: Finding[] = [];
  for (const path of directories.filter((p) => existsSync(p))) {
    const { dev } = statSync(path);
    if (seen.has(dev)) continue;
    seen.add(dev);
    const { bavail, bsize } = statfsSync(path);
    const free = bavail * bsize;
    const what = `${(free / GIB).toFixed(1)} GiB free for ${path}`;
    const hint = 'Free some, move the home, or archive old records.';
    if (free < TOO_LITTLE) found.push(failure('disk', what, hint));
    else if (free < LITTLE) found.push(warning('disk', what, hint));
    else found.push(ok('disk', what));
  }
  return found;
}
