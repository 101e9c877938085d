// How the command fails: message, what to do, code; 2 for wrong use, 4 without a database, 78 when
// another start cannot help, 1 otherwise. No stack for known errors.
import { CommanderError } from 'commander';
import { SwarmError } from '../blackboard/errors.js';
import { EXIT_FINAL } from './services/child.js';

const EXIT: Record<string, number> = {
  SWARM_E_USAGE: 2,
  SWARM_E_UNKNOWN_ASSET: 2,
  SWARM_E_UNKNOWN_PROFILE: 2,
  SWARM_E_UNKNOWN_COMPETITION: 2,
  SWARM_E_SLOT_INVALID: 2,
  SWARM_E_SPEC_INVALID: 2,
  SWARM_E_DB_UNREACHABLE: 4,
  SWARM_E_DB_AUTH: 4,
  // Nobody starts it again: its supervisor does not, and a person should not.
  SWARM_E_AGENT_REVOKED: EXIT_FINAL,
  SWARM_E_FILE_MODE: EXIT_FINAL,
};

export async function fail(error: unknown): Promise<void> {
  if (error instanceof CommanderError) {
    // commander has printed its own message; asking for help is no error.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    return;
  }
  const { code, message, hint, stack } = (await inWords(error)) as Error & { code?: string; hint?: string };
  const known = typeof code === 'string' && code.startsWith('SWARM_E_');
  const todo = (hint ?? '').replaceAll('\n', '\n  ');
  process.stderr.write(known ? `${code}: ${message}\n  ${todo}\n` : `${stack ?? String(error)}\n`);
  process.exitCode = (known ? EXIT[code] : undefined) ?? 1;
}

/** A SwarmError says best itself what happened; only the driver's errors need words, and the driver. */
const inWords = async (error: unknown): Promise<unknown> =>
  error instanceof SwarmError ? error : (await import('../blackboard/db.js')).explain(error);
