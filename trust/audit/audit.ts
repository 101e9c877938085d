// The audit of a whole database, as it was at one instant: identities, signatures, leases, gates, trust, credit and artifacts.
// Needs to read, and never writes. It trusts the keys in board.owner: compare those with the owners themselves.
import type pg from 'pg';
import type { ArtifactStore } from '../../blackboard/artifacts.js';
import { constantsOf } from '../constants.js';
import { auditArchives } from './archives.js';
import { auditArtifacts } from './artifacts.js';
import { auditCredit } from './credit.js';
import type { Audit, Finding } from './finding.js';
import { auditGates } from './gates.js';
import { auditIdentities } from './identities.js';
import { auditOverrides } from './overrides.js';
import { auditHoldings, auditSignatures } from './records.js';
import { auditTrust } from './trust.js';

export interface AuditResult {
  readonly findings: number;
  /** How many were looked at, by kind. */
  readonly checked: Readonly<Record<string, number>>;
}

/**
 * Audits what the client's transaction sees; `found` hears of each thing that does not match as soon as it is known.
 * Without a store artifacts are not looked at, and `checked` says so by having none.
 */
export async function auditSnapshot(
  client: pg.ClientBase,
  store: ArtifactStore | null,
  found: (finding: Finding) => void,
): Promise<AuditResult> {
  const checked: Record<string, number> = {};
  let findings = 0;
  const audit: Audit = {
    client,
    found(finding) {
      findings += 1;
      found(finding);
    },
    checked(kind, n = 1) {
      checked[kind] = (checked[kind] ?? 0) + n;
    },
  };
  const { rows } = await client.query<{ name: string; value: number }>(
    'select name, value from board.constant',
  );
  const constant = constantsOf(rows);
  await auditIdentities(audit);
  await auditSignatures(audit);
  await auditHoldings(audit);
  await auditGates(audit, constant);
  await auditOverrides(audit);
  await auditTrust(audit, constant);
  await auditCredit(audit, constant);
  if (store !== null) {
    await auditArtifacts(audit, store);
    await auditArchives(audit, store);
  }
  return { findings, checked };
}

/** The same for a connection of its own: one instant for all of it, and read only. */
export async function auditDatabase(
  client: pg.ClientBase,
  store: ArtifactStore | null,
  found: (finding: Finding) => void,
): Promise<AuditResult> {
  await client.query('begin isolation level repeatable read read only');
  try {
    return await auditSnapshot(client, store, found);
  } finally {
    await client.query('rollback');
  }
}
