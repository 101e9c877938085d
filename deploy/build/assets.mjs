// Copies what tsc leaves behind (SQL, rule profiles) beside the compiled modules that read them, marks the command as
// executable, and links it where `npx swarm` looks first: in a checkout, npx would otherwise install the package into its cache.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const rooms = ['agents', 'blackboard', 'cli', 'forecast', 'miner', 'trust'];
const wanted = /\.(sql|json)$/;

function* assets(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) yield* assets(path);
    else if (wanted.test(entry.name)) yield path;
  }
}

for (const room of rooms) for (const path of assets(room)) cpSync(path, join('dist', path));
if (existsSync('dist/cli/main.js')) {
  chmodSync('dist/cli/main.js', 0o755);
  mkdirSync('node_modules/.bin', { recursive: true });
  rmSync('node_modules/.bin/swarm', { force: true });
  symlinkSync('../../dist/cli/main.js', 'node_modules/.bin/swarm');
}
