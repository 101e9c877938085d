// Headers of a reply, in the SDK's order and under its names: what a dendrite copies onto its own synapse.
// Promises: values are printable ASCII in one line, so that nothing a caller sent can become a header of its own.

import { pyStr } from '../sn50/response.js';
import type { SynapseBody, Terminal } from './body.js';
import type { RequestFacts } from './facts.js';
import { INPUT_HEADER } from './facts.js';
import { EMPTY_BODY_HASH } from './message.js';

/** Names and values in turn, as writeHead takes them. */
export type HeaderList = string[];

/** What the axon says of itself on a reply that is no answer. */
export interface AxonFace {
  readonly version: string;
  readonly nonce: string;
  readonly uuid: string;
  /** Null when there is none to spare. */
  readonly signature: string | null;
}

/** Where the request came from, as the socket knows it. */
export interface Remote {
  readonly ip: string;
  readonly port: number;
}

const SHOWN = 600;

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, SHOWN);

/** Values that are null are left out, as the SDK leaves them out. */
function list(fields: readonly (readonly [name: string, value: string | null])[]): HeaderList {
  return fields.flatMap(([name, value]) => (value === null ? [] : [name, printable(value)]));
}

const outcome = (status: number, message: string, process_s: number) =>
  [
    ['bt_header_axon_status_code', String(status)],
    ['bt_header_axon_status_message', message],
    ['bt_header_axon_process_time', pyStr(process_s, 'text')],
  ] as const;

/** Of a request that named no synapse, or whose headers cannot be read. */
export function bareHeaders(status: number, message: string, process_s: number): HeaderList {
  return list([
    ['name', 'Synapse'],
    ['timeout', '12.0'],
    ...outcome(status, message, process_s),
    ['header_size', '0'],
    ['total_size', '0'],
    ['computed_body_hash', ''],
  ]);
}

/** Of a request that is refused after its headers were read. */
export function refusalHeaders(
  status: number,
  message: string,
  process_s: number,
  facts: RequestFacts,
  face: AxonFace,
  remote: Remote,
): HeaderList {
  const { axon, dendrite, timeout_s } = facts;
  return list([
    ['name', facts.name],
    ['timeout', timeout_s === null ? null : pyStr(timeout_s, 'text')],
    ...outcome(status, message, process_s),
    ['bt_header_axon_ip', axon.ip],
    ['bt_header_axon_port', axon.port],
    ['bt_header_axon_version', face.version],
    ['bt_header_axon_nonce', face.nonce],
    ['bt_header_axon_uuid', face.uuid],
    ['bt_header_axon_hotkey', axon.hotkey],
    ['bt_header_axon_signature', face.signature],
    ['bt_header_dendrite_ip', remote.ip],
    ['bt_header_dendrite_port', String(remote.port)],
    ['bt_header_dendrite_version', dendrite.version],
    ['bt_header_dendrite_nonce', dendrite.nonce === null ? null : String(dendrite.nonce)],
    ['bt_header_dendrite_uuid', dendrite.uuid],
    ['bt_header_dendrite_hotkey', dendrite.hotkey],
    ['bt_header_dendrite_signature', dendrite.signature],
    ...input(facts.name),
    ['header_size', facts.headerSize],
    ['total_size', facts.totalSize],
    ['computed_body_hash', facts.bodyHash],
  ]);
}

/** Of an answer: rebuilt from the body, so what was only in the request's headers is gone. */
export function answerHeaders(name: string, body: SynapseBody, axon: Terminal, bytes: number): HeaderList {
  const fields = (prefix: string, terminal: Terminal) =>
    Object.entries(terminal).map(([field, value]) => [`bt_header_${prefix}_${field}`, plain(value)] as const);
  return list([
    ['name', name],
    ['timeout', plain(body.timeout)],
    ...fields('axon', axon),
    ...fields('dendrite', body.dendrite),
    ...input(name),
    ['header_size', plain(body.header_size)],
    ['total_size', String(bytes)],
    ['computed_body_hash', EMPTY_BODY_HASH],
  ]);
}

const input = (name: string) => (name === 'Simulation' ? [[INPUT_HEADER, 'e30='] as const] : []);

function plain(value: unknown): string | null {
  if (value === null) return null;
  return typeof value === 'number' || typeof value === 'bigint' ? pyStr(value, 'text') : String(value);
}
