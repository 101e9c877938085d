// The numbers of the window plan, trust and the gate, as the database holds them. Nothing else defines them.
import { readFileSync } from 'node:fs';
import type { Db } from '../blackboard/db.js';
import { SwarmError } from '../blackboard/errors.js';

/** Value of a constant; an unknown name is an error, never a default. */
export type Constants = (name: string) => number;

export async function readConstants(db: Db): Promise<Constants> {
  return constantsOf(await db.selectFrom('board.constant').select(['name', 'value']).execute());
}

/** The rows of board.constant by name. */
export function constantsOf(rows: readonly { name: string; value: number }[]): Constants {
  const known = new Map(rows.map((row) => [row.name, row.value]));
  return (name) => {
    const value = known.get(name);
    if (value === undefined)
      throw new SwarmError(
        'SWARM_E_DB_MIGRATION',
        `the database has no constant "${name}"`,
        "It was migrated by another version: run this version's migrations.",
      );
    return value;
  };
}

const SEED = new URL('../blackboard/migrations/0001_market.sql', import.meta.url);
const ROW = /^\s*\('([a-z0-9_]+)', (-?[\d.]+), '/;

/**
 * The constants as a fresh database is given them, read from the migration that gives them: for work without a database.
 * `changed` takes precedence.
 */
export function seededConstants(changed: Readonly<Record<string, number>> = {}): Constants {
  const known = new Map(
    readFileSync(SEED, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const row = ROW.exec(line);
        return row === null ? [] : [[row[1]!, Number(row[2])] as const];
      }),
  );
  return (name) => {
    const value = changed[name] ?? known.get(name);
    if (value === undefined)
      throw new SwarmError(
        'SWARM_E_DB_MIGRATION',
        `the first migration has no constant "${name}"`,
        'Install this version again: its files do not belong together.',
      );
    return value;
  };
}
