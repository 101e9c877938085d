// What an owner signs: that an agent with these keys is its own, and that an agent is so no longer.
// The bytes are canonical JSON (keys.ts) over every field that says who, with which keys, and when.
import { signContent, verifyContent } from '../keys.js';
import type { OwnerKey } from './owner.js';

/** Everything that a signature of enrolment covers. */
export interface Enrolment {
  readonly agent_id: string;
  readonly name: string;
  readonly owner: string;
  readonly role: string;
  readonly login: string;
  /** 1 for the first keys, one more for every rotation. */
  readonly serial: number;
  readonly public_key: string;
  readonly nats_key: string;
  readonly issued_at: Date;
}

export interface Revocation {
  readonly agent_id: string;
  readonly owner: string;
  readonly reason: string;
  readonly issued_at: Date;
}

const enrolmentContent = (e: Enrolment): object => ({
  kind: 'enrolment',
  agent_id: e.agent_id,
  name: e.name,
  owner: e.owner,
  role: e.role,
  login: e.login,
  serial: e.serial,
  public_key: e.public_key,
  nats_key: e.nats_key,
  issued_at: e.issued_at,
});

const revocationContent = (r: Revocation): object => ({
  kind: 'revocation',
  agent_id: r.agent_id,
  owner: r.owner,
  reason: r.reason,
  issued_at: r.issued_at,
});

export const signEnrolment = (owner: OwnerKey, enrolment: Enrolment): string =>
  signContent(owner.privateKey, enrolmentContent(enrolment));

export const isEnrolment = (ownerPublicKey: string, enrolment: Enrolment, signature: string): boolean =>
  verifyContent(ownerPublicKey, enrolmentContent(enrolment), signature);

export const signRevocation = (owner: OwnerKey, revocation: Revocation): string =>
  signContent(owner.privateKey, revocationContent(revocation));

export const isRevocation = (ownerPublicKey: string, revocation: Revocation, signature: string): boolean =>
  verifyContent(ownerPublicKey, revocationContent(revocation), signature);
