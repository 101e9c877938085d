// Which fields of a record its author signs. Everything that a number depends on is in; the writer's clock is not.
import { SwarmError } from './errors.js';
import { signContent, verifyContent } from './keys.js';

const FIELDS = {
  claim: [
    'id',
    'agent_id',
    'experiment_id',
    'slot',
    'artifact',
    'family',
    'spec_digest',
    'as_of',
    'data_cutoff',
    'dataset_digest',
    'windows_digest',
    'n_windows',
    'seed',
    'code_version',
    'mean_crps',
    'claimed_gain',
    'claimed_se',
  ],
  verdict: [
    'id',
    'agent_id',
    'claim_id',
    'finding',
    'reason',
    'reign',
    'champion',
    'hidden_from',
    'hidden_to',
    'dataset_digest',
    'windows_digest',
    'n_windows',
    'mean_crps',
    'yardstick_crps',
    'champion_crps',
    'verified_gain',
    'verified_se',
    'window_starts',
    'differences',
    'champion_t',
    'difference_sd',
    'seed',
    'code_version',
  ],
  promotion: [
    'id',
    'agent_id',
    'kind',
    'slot',
    'reign',
    'artifact',
    'family',
    'previous',
    'challenger_id',
    'e_value',
    'threshold',
    'windows',
  ],
} as const;

export type SignedKind = keyof typeof FIELDS;

/** What the table fills in for a field left out: the row that is read back must be the one that was signed. */
const DEFAULTS = { reason: '' };

function content(kind: SignedKind, row: object): Record<string, unknown> {
  const values: Record<string, unknown> = { ...DEFAULTS, ...row };
  // A promotion past the gate stands on its reason alone.
  const fields: readonly string[] =
    kind === 'promotion' && values['kind'] === 'override' ? [...FIELDS[kind], 'reason'] : FIELDS[kind];
  return { kind, ...Object.fromEntries(fields.map((field) => [field, values[field] ?? null])) };
}

/** Signature over a record of this kind, base64. */
export const signRecord = (kind: SignedKind, row: object, privateKey: string): string =>
  signContent(privateKey, content(kind, row));

/** Throws SWARM_E_SIGNATURE when the row is not what its author signed. */
export function assertSigned(
  kind: SignedKind,
  row: object & { signature: string; id: string },
  publicKey: string,
): void {
  if (!verifyContent(publicKey, content(kind, row), row.signature))
    throw new SwarmError(
      'SWARM_E_SIGNATURE',
      `${kind} ${row.id} does not carry its author's signature`,
      'The record was altered or forged: it counts for nothing. See `swarm status` for alerts.',
    );
}
