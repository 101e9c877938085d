// Who may ask at all: a policy as data, judged on headers that nobody has verified yet, as the reference miner's
// blacklist is, in its order and words. Its crash on an unknown key under allow_non_registered is not copied.
// Leaves to others: who is registered and what they hold (the chain), and whether the caller is who it says (verify.ts).
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { SwarmError } from '../../blackboard/errors.js';
import { decodeSs58 } from '../wallet/ss58.js';
import type { RequestFacts } from './facts.js';

const address = z.string().refine((text) => decodeSs58(text) !== null, 'not an SS58 address of prefix 42');

const accessPolicy = z
  .strictObject({
    /** Never, whatever else holds. */
    deny: z.array(address).readonly(),
    /** Always, registered or not. */
    allow: z.array(address).readonly(),
    /** Everybody else: members of the subnet that meet the two rules below, nobody, or anybody. */
    others: z.enum(['members', 'nobody', 'anybody']),
    validator_permit: z.boolean(),
    /** Stake on the subnet that a member must exceed. */
    minimum_stake: z.number().min(0),
  })
  .readonly();

export type AccessPolicy = z.infer<typeof accessPolicy>;

/** The lists alone: what holds where there is no chain. */
export const listed = (allow: readonly string[]): AccessPolicy => ({
  deny: [],
  allow,
  others: 'nobody',
  validator_permit: true,
  minimum_stake: 0,
});

/** As the reference miner is shipped: validators with a permit and more than 1000 of stake, and whom the list names. */
export const validatorsOf = (allow: readonly string[]): AccessPolicy => ({
  ...listed(allow),
  others: 'members',
  minimum_stake: 1000,
});

/** A policy from its JSON file. SWARM_E_USAGE. */
export function readPolicy(file: string): AccessPolicy {
  const wrong = (what: string, cause: unknown): SwarmError =>
    new SwarmError('SWARM_E_USAGE', `${file} is no policy: ${what}`, 'docs/miner.md shows one.', { cause });
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw wrong((error as Error).message, error);
  }
  const parsed = accessPolicy.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw wrong(`${issue!.path.join('.')}: ${issue!.message}`, parsed.error);
}

/** What the chain says of a registered hotkey. */
export interface Member {
  /** Alpha and weighted tao, in units of 1e9 rao. */
  readonly stake: number;
  readonly permit: boolean;
}

/** The members of the subnet by hotkey; undefined for a key that is not registered. */
export type Members = (hotkey: string) => Member | undefined;

/** Without a chain nobody is a member: only the lists of a policy let anybody in. */
export const noMembers: Members = () => undefined;

/** Why this caller may not ask, or null when it may. */
export function blacklisted(policy: AccessPolicy, members: Members, facts: RequestFacts): string | null {
  const { hotkey, signature } = facts.dendrite;
  if (hotkey !== null && policy.deny.includes(hotkey)) return 'Denied hotkey';
  if (policy.others === 'anybody') return null;
  if (hotkey === null || hotkey === '') return 'Missing dendrite or hotkey';
  if (signature === null || signature === '') return 'Missing signature';
  if (policy.allow.includes(hotkey)) return null;
  const member = policy.others === 'members' ? members(hotkey) : undefined;
  if (member === undefined) return 'Unrecognized hotkey';
  if (member.stake <= policy.minimum_stake) return 'Stake below minimum threshold';
  if (policy.validator_permit && !member.permit) return 'Non-validator hotkey';
  return null;
}
