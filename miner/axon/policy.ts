// Who may ask at all: a policy as data, judged on headers that nobody has verified yet, as the reference miner's
// blacklist is, in its order and words. Its crash on an unknown key under allow_non_registered is not copied.
// Leaves to others: who is registered and what they hold (the chain), and whether the caller is who it says (verify.ts).
import { z } from 'zod';
import { decodeSs58 } from '../wallet/ss58.js';
import type { RequestFacts } from './facts.js';

const address = z.string().refine((text) => decodeSs58(text) !== null, 'not an SS58 address of prefix 42');

export const accessPolicy = z
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
