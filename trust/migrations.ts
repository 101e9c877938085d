// Where the trust views live; applied after the blackboard's own migrations.
import { blackboardMigrations, type MigrationSet } from '../blackboard/migrate.js';

/** Every migration of the house, in order. */
export const allMigrations: readonly MigrationSet[] = [
  blackboardMigrations,
  { name: 'trust', directory: new URL('./migrations/', import.meta.url), rebuild: 'select trust.rebuild()' },
];
