// `swarm audit`: everything that a copied or running blackboard says of itself, checked again. Findings on stdout as they come.
import { auditDatabase } from '../trust/audit/audit.js';
import type { Finding } from '../trust/audit/finding.js';
import { connectAdmin } from './admin.js';
import { openHome } from './services/home.js';
import { databaseOf, storeItself } from './where.js';

interface AuditArguments {
  readonly home?: string;
  readonly databaseUrl?: string;
  readonly artifacts?: string;
  readonly json?: boolean;
}

export async function auditCommand(o: AuditArguments): Promise<number> {
  // First: it refuses a home that is not there, and looking makes none.
  const url = o.databaseUrl ?? databaseOf(o.home);
  const artifacts = o.artifacts ?? (o.databaseUrl === undefined ? openHome(o.home).artifacts : undefined);
  const client = await connectAdmin(url, 'swarm audit');
  const write = (line: string): void => void process.stdout.write(`${line}\n`);
  const found = (f: Finding): void => write(o.json ? JSON.stringify(f) : `${f.kind} ${f.id}: ${f.reason}`);
  try {
    const store = await storeItself(artifacts);
    const result = await auditDatabase(client, store, found);
    if (o.json) write(JSON.stringify(result));
    else {
      const counts = Object.entries(result.checked).map(([kind, n]) => `${n} ${kind}`);
      write(
        `checked: ${counts.join(', ') || 'nothing'}${store === null ? '; artifacts were not looked at' : ''}`,
      );
      write(result.findings === 0 ? 'everything matches' : `${result.findings} do not match`);
    }
    return result.findings === 0 ? 0 : 1;
  } finally {
    await client.end();
  }
}
