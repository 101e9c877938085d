// What a request says of itself in its headers, read once and before anything is believed of it.
// Promises: numbers stay text or BigInt (a nonce has 19 digits), lengths are bounded, and what cannot be read is
// refused as the stock axon refuses it. Leaves to others: whether any of it is true.
import type { IncomingHttpHeaders } from 'node:http';

export interface Peer {
  readonly ip: string | null;
  readonly port: string | null;
  readonly hotkey: string | null;
}

export interface Caller extends Peer {
  readonly version: string | null;
  readonly nonce: bigint | null;
  readonly uuid: string | null;
  readonly signature: string | null;
}

export interface RequestFacts {
  readonly name: SynapseName;
  /** Seconds that the caller waits; null when it does not say. */
  readonly timeout_s: number | null;
  /** The axon as the caller knows it. */
  readonly axon: Peer;
  readonly dendrite: Caller;
  readonly bodyHash: string;
  readonly headerSize: string;
  readonly totalSize: string;
}

export const SYNAPSES = ['Synapse', 'Simulation'] as const;
export type SynapseName = (typeof SYNAPSES)[number];

export const isSynapse = (name: string): name is SynapseName =>
  (SYNAPSES as readonly string[]).includes(name);

/** The header that carries an empty instance of each required field: base64 of `{}`. */
export const INPUT_HEADER = 'bt_header_input_obj_simulation_input';

/** A header that cannot be read. */
export class UnreadableHeader extends Error {
  constructor(header: string) {
    super(`header ${header} cannot be read`);
  }
}

const WHOLE = /^\d{1,20}$/;
const DECIMAL = /^\d{1,15}(\.\d{1,20})?(e[+-]?\d{1,2})?$/i;
/** Longer than any address, uuid or signature of the protocol. */
const LONGEST = 160;

export function readFacts(name: SynapseName, headers: IncomingHttpHeaders): RequestFacts {
  const text = (header: string): string | null => {
    const value = headers[header];
    if (value === undefined) return null;
    if (typeof value !== 'string' || value.length > LONGEST) throw new UnreadableHeader(header);
    return value;
  };
  const matching = (header: string, shape: RegExp): string | null => {
    const value = text(header);
    if (value !== null && !shape.test(value)) throw new UnreadableHeader(header);
    return value;
  };
  const nonce = matching('bt_header_dendrite_nonce', WHOLE);
  const timeout = matching('timeout', DECIMAL);
  if (name === 'Simulation') assertEmptyInstance(text(INPUT_HEADER));
  return {
    name,
    timeout_s: timeout === null ? null : Number(timeout),
    axon: {
      ip: text('bt_header_axon_ip'),
      port: matching('bt_header_axon_port', WHOLE),
      hotkey: text('bt_header_axon_hotkey'),
    },
    dendrite: {
      ip: text('bt_header_dendrite_ip'),
      port: null,
      version: matching('bt_header_dendrite_version', WHOLE),
      nonce: nonce === null ? null : BigInt(nonce),
      uuid: text('bt_header_dendrite_uuid'),
      hotkey: text('bt_header_dendrite_hotkey'),
      signature: text('bt_header_dendrite_signature'),
    },
    bodyHash: text('computed_body_hash') ?? '',
    headerSize: matching('header_size', WHOLE) ?? '0',
    totalSize: matching('total_size', WHOLE) ?? '0',
  };
}

function assertEmptyInstance(encoded: string | null): void {
  try {
    if (encoded !== null && JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) !== undefined) return;
  } catch {
    // Falls through: it is unreadable either way.
  }
  throw new UnreadableHeader(INPUT_HEADER);
}
