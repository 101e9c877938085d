// Where the package's own files are, for code that starts other processes of it.
// Promises: the same answer from compiled JavaScript (dist/) and from TypeScript under a test runner.
// Children are always started from dist/: node 20 cannot run TypeScript.
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SwarmError } from '../../blackboard/errors.js';

/** The directory that holds package.json. Found by walking up, because dist/ is one level deeper. */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) {
      throw new SwarmError(
        'SWARM_E_SERVICE_START',
        `no package.json above ${fileURLToPath(import.meta.url)}`,
        'Install the package as a whole: its files cannot be copied out one by one.',
      );
    }
    directory = parent;
  }
  return directory;
}

/** `cli/services/postgres-keeper.js` -> `<package>/dist/cli/services/postgres-keeper.js`. Absolute paths stay. */
export function compiledEntry(entry: string): string {
  const path = isAbsolute(entry) ? entry : join(packageRoot(), 'dist', entry);
  if (!existsSync(path)) {
    throw new SwarmError(
      'SWARM_E_SERVICE_START',
      `there is no compiled entry ${path}`,
      'Run `npm run build` first.',
    );
  }
  return path;
}
