// Does every artifact that a record names exist, with the bytes that its name says?
import type { ArtifactStore } from '../../blackboard/artifacts.js';
import { isStoreTrouble, SwarmError } from '../../blackboard/errors.js';
import { type Audit, rowsOf } from './finding.js';

export async function auditArtifacts(audit: Audit, store: ArtifactStore): Promise<void> {
  const named = rowsOf<{ artifact: string; named_by: string }>(
    audit.client,
    `select artifact, min(kind || ' ' || id) as named_by from (
       select artifact, 'claim' as kind, id from board.claim union all select artifact, 'challenger', id from board.challenger
       union all select artifact, 'promotion', id from board.promotion) every group by artifact`,
  );
  for await (const { artifact, named_by } of named) {
    audit.checked('artifact');
    try {
      await store.get(artifact);
    } catch (error) {
      // A store that is away says nothing of what it holds.
      if (!(error instanceof SwarmError) || isStoreTrouble(error)) throw error;
      audit.found({ kind: 'artifact', id: artifact, reason: `${error.code}, named by ${named_by}` });
    }
  }
}
