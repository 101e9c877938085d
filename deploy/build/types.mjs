// Writes blackboard/schema.generated.ts from a throw-away database with every migration: `npm run db:types`.
// Needs a server that may create databases: SWARM_DATABASE_URL.
import { execFileSync } from 'node:child_process';
import pg from 'pg';
import { generateTypes } from '../../dist/blackboard/codegen.js';
import { migrate } from '../../dist/blackboard/migrate.js';
import { allMigrations } from '../../dist/trust/migrations.js';

const server = process.env.SWARM_DATABASE_URL;
if (server === undefined) {
  console.error('SWARM_DATABASE_URL is not set: name a Postgres server that may create a database');
  process.exit(2);
}
execFileSync(process.execPath, ['deploy/build/assets.mjs'], { stdio: 'inherit' });
const name = `swarm_types_${process.pid}`;
const admin = new pg.Client({ connectionString: server });
await admin.connect();
await admin.query(`create database ${name}`);
try {
  const url = new URL(server);
  url.pathname = `/${name}`;
  await migrate(url.toString(), allMigrations);
  generateTypes(url.toString(), 'blackboard/schema.generated.ts');
} finally {
  await admin.query(`drop database ${name} with (force)`);
  await admin.end();
}
