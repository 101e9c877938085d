// Is every month that was archived still there, whole, and as large as the blackboard says?
import { getManifest, getPiece } from '../../blackboard/archive-manifest.js';
import { archived } from '../../blackboard/archive-return.js';
import type { ArtifactStore } from '../../blackboard/artifacts.js';
import type { SwarmError } from '../../blackboard/errors.js';
import type { Audit } from './finding.js';

export async function auditArchives(audit: Audit, store: ArtifactStore): Promise<void> {
  for (const { id, month, manifest: key, rows } of await archived(audit.client)) {
    audit.checked('archive');
    const found = (reason: string): void =>
      audit.found({ kind: 'archive', id, reason: `${month}: ${reason}` });
    const { rows: totals } = await audit.client.query<{ name: string; n: number }>(
      `select name, n::float8 as n from board.archive_total where archive_id = $1 and key = ''`,
      [id],
    );
    try {
      const manifest = await getManifest(store, key);
      const same =
        manifest.month === month &&
        manifest.tables.reduce((n, t) => n + t.rows, 0) === rows &&
        manifest.tables.length === totals.length &&
        manifest.tables.every((t) => totals.find((one) => one.name === t.table)?.n === t.rows);
      if (!same) found('its manifest and the blackboard differ in what left');
      for (const { pieces } of manifest.tables) for (const piece of pieces) await getPiece(store, piece);
    } catch (error) {
      if ((error as SwarmError).code !== 'SWARM_E_ARCHIVE_BROKEN') throw error;
      found((error as SwarmError).message);
    }
  }
}
