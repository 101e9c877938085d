// A home for one run: made in the system's temporary place, and gone afterwards with its database.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Home, openHome } from './services/home.js';

/** @example const { home, remove } = temporaryHome(); try { ... } finally { remove(); } */
export function temporaryHome(): { home: Home; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'swarm-'));
  const home = openHome(join(directory, 'home'));
  return {
    home,
    remove() {
      rmSync(directory, { recursive: true, force: true });
      // Root's database lies outside of the home (services/home.ts).
      if (!home.pgdata.startsWith(home.root)) rmSync(dirname(home.pgdata), { recursive: true, force: true });
    },
  };
}
