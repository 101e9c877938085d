// What is signed on the wire: the text that a dendrite signs, the text that an axon signs, and the body hash in them.
// Promises: byte for byte what the Python SDK builds. Numbers come in as text: a nonce of 19 digits is no JS number.
import { createHash } from 'node:crypto';

const sha3 = (text: string): string => createHash('sha3-256').update(text, 'utf8').digest('hex');

/** `computed_body_hash`: the hash over the hashes of the required fields, each as Python's str() prints it. */
export const bodyHash = (fields: readonly string[]): string => sha3(fields.map(sha3).join(''));

/** Neither Simulation nor Synapse has a required hash field: the signature does not cover the prompt. */
export const EMPTY_BODY_HASH = bodyHash([]);

export interface Signed {
  /** time.time_ns() as decimal text. */
  readonly nonce: string;
  readonly dendrite: string;
  readonly axon: string;
  readonly uuid: string;
  readonly bodyHash: string;
}

export const requestMessage = ({ nonce, dendrite, axon, uuid, bodyHash }: Signed): string =>
  `${nonce}.${dendrite}.${axon}.${uuid}.${bodyHash}`;

/** What an axon signs on error responses; no client checks it. */
export const responseMessage = ({ nonce, dendrite, axon, uuid }: Omit<Signed, 'bodyHash'>): string =>
  `${nonce}.${dendrite}.${axon}.${uuid}`;
