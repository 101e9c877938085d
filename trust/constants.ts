// The numbers of the window plan, trust and the gate, as the database holds them. Nothing else defines them.
import type { Db } from '../blackboard/db.js';
import { SwarmError } from '../blackboard/errors.js';

/** Value of a constant; an unknown name is an error, never a default. */
export type Constants = (name: string) => number;

export async function readConstants(db: Db): Promise<Constants> {
  const rows = await db.selectFrom('board.constant').select(['name', 'value']).execute();
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
