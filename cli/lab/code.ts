// Which code computed a result, for results that are kept and not computed again.
// Promises: an edit anywhere in the forecast room gives another version; comments and maps beside it count for little.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { CODE_VERSION } from '../../forecast/code-version.js';

const ROOM = new URL('../../forecast/', import.meta.url);

/** The release and the digest of the modules behind it: a release number alone does not tell two checkouts apart. */
export function labCodeVersion(): string {
  const hash = createHash('sha256');
  const names = readdirSync(ROOM, { recursive: true, encoding: 'utf8' }).sort();
  for (const name of names.filter((one) => /\.(js|ts)$/.test(one) && !one.endsWith('.d.ts')))
    hash.update(`${name}\0`).update(readFileSync(new URL(name, ROOM)));
  return `${CODE_VERSION}+${hash.digest('hex').slice(0, 12)}`;
}
