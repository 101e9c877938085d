// Generates schema.generated.ts from a database that holds every migration (SWARM_DATABASE_URL).
import { spawnSync } from 'node:child_process';

const TYPES = JSON.stringify({ int8: 'number', float8: 'number', bytea: 'Buffer' });

/** Writes the Kysely types of the live schema to a file. */
export function generateTypes(url: string, outFile: string): void {
  const run = spawnSync(
    process.execPath,
    [
      'node_modules/kysely-codegen/dist/cli/bin.js',
      '--dialect',
      'postgres',
      '--url',
      url,
      '--out-file',
      outFile,
      '--type-mapping',
      TYPES,
      '--exclude-pattern',
      '(migration|part).*',
      '--log-level',
      'error',
    ],
    { encoding: 'utf8' },
  );
  if (run.status !== 0) throw new Error(`kysely-codegen failed: ${run.stderr}${run.stdout}`);
}
