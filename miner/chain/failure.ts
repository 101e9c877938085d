// How the chain fails, in words that say what to do. An endpoint that does not answer, one that answers nonsense, one of
// another chain, and a chain that refuses are four different things to a person, and the first three another endpoint may cure.
import { SwarmError } from '../../blackboard/errors.js';

export const unreachable = (endpoint: string, what: string, cause?: unknown): SwarmError =>
  new SwarmError(
    'SWARM_E_CHAIN_UNREACHABLE',
    `${endpoint}: ${what}`,
    'Check the network, or name other endpoints with --chain.',
    { cause },
  );

export const malformed = (endpoint: string, what: string, cause?: unknown): SwarmError =>
  new SwarmError(
    'SWARM_E_CHAIN_RESPONSE',
    `${endpoint}: ${what}`,
    'Try another endpoint with --chain; if all say so, the chain has changed more than this version understands.',
    { cause },
  );

export const otherChain = (endpoint: string, genesis: string, expected: string): SwarmError =>
  new SwarmError(
    'SWARM_E_CHAIN_WRONG',
    `${endpoint} serves the chain of genesis ${genesis}, not ${expected}`,
    'Name endpoints of the right chain with --chain, or its genesis with --genesis.',
  );

export const refused = (what: string, hint: string, cause?: unknown): SwarmError =>
  new SwarmError('SWARM_E_CHAIN_REFUSED', `the chain refuses: ${what}`, hint, { cause });

/** The node's own words, whatever they are: one line, printable, not endless. */
export const words = (text: unknown): string =>
  String(text)
    .replace(/[^\x20-\x7e]+/g, ' ')
    .slice(0, 300);
