// The swarm's error outside the forecast room: a stable code, what happened to what, and what to do next.
// docs/errors.md lists every code.

export type SwarmErrorCode =
  | 'SWARM_E_USAGE'
  | 'SWARM_E_UNKNOWN_ASSET'
  | 'SWARM_E_PORT_IN_USE'
  | 'SWARM_E_ALREADY_RUNNING'
  | 'SWARM_E_NOT_RUNNING'
  | 'SWARM_E_SERVICE_START'
  | 'SWARM_E_DB_UNREACHABLE'
  | 'SWARM_E_DB_AUTH'
  | 'SWARM_E_DB_EXHAUSTED'
  | 'SWARM_E_DB_CONFLICT'
  | 'SWARM_E_DB_NEWER'
  | 'SWARM_E_DB_MIGRATION'
  | 'SWARM_E_NATS_UNREACHABLE'
  | 'SWARM_E_STALE_LEASE'
  | 'SWARM_E_ARTIFACT_MISSING'
  | 'SWARM_E_ARTIFACT_DIGEST'
  | 'SWARM_E_ARTIFACT_SIZE'
  | 'SWARM_E_CLAIM_UNTRUE'
  | 'SWARM_E_STORE_UNREACHABLE'
  | 'SWARM_E_STORE_AUTH'
  | 'SWARM_E_STORE_BUCKET'
  | 'SWARM_E_STORE_REFUSED'
  | 'SWARM_E_DISK_FULL'
  | 'SWARM_E_RECORD_REFUSED'
  | 'SWARM_E_DATA_CONFLICT'
  | 'SWARM_E_DATA_END'
  | 'SWARM_E_DATA_MISSING'
  | 'SWARM_E_DATA_CHECKSUM'
  | 'SWARM_E_SOURCE_UNREACHABLE'
  | 'SWARM_E_SOURCE_LIMITED'
  | 'SWARM_E_SOURCE_REFUSED'
  | 'SWARM_E_SOURCE_RESPONSE'
  | 'SWARM_E_DEADLINE'
  | 'SWARM_E_CANARY'
  | 'SWARM_E_SIGNATURE'
  | 'SWARM_E_AGENT_REVOKED'
  | 'SWARM_E_OWNER_KEY'
  | 'SWARM_E_FILE_MODE'
  | 'SWARM_E_TLS'
  | 'SWARM_E_RECORD_TOO_LARGE'
  | 'SWARM_E_ARCHIVE_BROKEN'
  | 'SWARM_E_ARCHIVE_ORDER'
  | 'SWARM_E_BACKUP_BROKEN'
  | 'SWARM_E_WALLET'
  | 'SWARM_E_WALLET_PASSWORD'
  | 'SWARM_E_CHAIN_UNREACHABLE'
  | 'SWARM_E_CHAIN_RESPONSE'
  | 'SWARM_E_CHAIN_WRONG'
  | 'SWARM_E_CHAIN_REFUSED'
  | 'SWARM_E_NOT_REGISTERED'
  | 'SWARM_E_LLM_CONFIG'
  | 'SWARM_E_LLM_AUTH'
  | 'SWARM_E_LLM_REFUSED'
  | 'SWARM_E_LLM_LIMITED'
  | 'SWARM_E_LLM_UNREACHABLE'
  | 'SWARM_E_LLM_RESPONSE'
  | 'SWARM_E_LLM_BUDGET'
  | 'SWARM_E_TOOL_REFUSED';

export class SwarmError extends Error {
  override readonly name = 'SwarmError';
  constructor(
    readonly code: SwarmErrorCode,
    message: string,
    /** What the reader should do next. */
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const STORE_TROUBLE = new Set<unknown>([
  'SWARM_E_STORE_UNREACHABLE',
  'SWARM_E_STORE_AUTH',
  'SWARM_E_STORE_BUCKET',
  'SWARM_E_STORE_REFUSED',
  'SWARM_E_DISK_FULL',
] satisfies SwarmErrorCode[]);

/** Trouble of a store itself, with whatever artifact: what failed now is tried again when somebody has seen to it. */
export function isStoreTrouble(error: unknown): boolean {
  return STORE_TROUBLE.has((error as { code?: unknown } | null)?.code);
}
