// The body of a request: read up to a bound, parsed without losing a digit, checked, and written back as the answer.
// Promises: an int of 19 digits and a float of 12.0 leave as they came; keys in the SDK's order; nothing is read of a
// body beyond BODY_BYTES. Leaves to others: what a prompt's values may be (sn50/prompt.ts).
import type { IncomingMessage } from 'node:http';
import { type PyJson, pyStr, pythonJson } from '../sn50/response.js';
import { BadBody, Refusal } from './refusal.js';
import type { Payload } from './send.js';
import type { SharedText } from './shared-text.js';

/** The largest captured request has 937 bytes. */
export const BODY_BYTES = 64 * 1024;

const TERMINAL = [
  'status_code',
  'status_message',
  'process_time',
  'ip',
  'port',
  'version',
  'nonce',
  'uuid',
  'hotkey',
  'signature',
] as const;

/** `dendrite` or `axon` of a synapse, every field there, null where the sender gave none. */
export type Terminal = Readonly<Record<(typeof TERMINAL)[number], PyJson>>;

export interface SynapseBody {
  readonly timeout: PyJson;
  readonly total_size: PyJson;
  readonly header_size: PyJson;
  readonly dendrite: Terminal;
  readonly axon: Terminal;
  readonly computed_body_hash: PyJson;
  /** As it came, defaults filled in; null for a ping. */
  readonly simulation_input: Readonly<Record<string, PyJson>> | null;
}

/** Reads the body within its bound and time; rejects with a Refusal. */
export function readBody(request: IncomingMessage, within_ms: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (act: () => void): void => {
      clearTimeout(timer);
      request.off('data', take).off('end', done).off('close', cut);
      act();
    };
    const refuse = (status: number, message: string): void => end(() => reject(new Refusal(status, message)));
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > BODY_BYTES) refuse(413, `Request body exceeds ${BODY_BYTES} bytes`);
      else chunks.push(chunk);
    };
    const done = (): void => end(() => resolve(Buffer.concat(chunks).toString('utf8')));
    const cut = (): void => refuse(400, 'Request body ended early');
    const timer = setTimeout(() => refuse(408, 'Request body did not arrive in time'), within_ms);
    // The length that is announced first: nothing of a body that is too large is kept.
    if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES)
      return refuse(413, `Request body exceeds ${BODY_BYTES} bytes`);
    request.on('data', take).once('end', done).once('close', cut);
  });
}

/** Throws BadBody (422) for what is no JSON, any other error (500) for a synapse that is none. */
export function parseBody(name: string, text: string, now: Date): SynapseBody {
  if (text.trim() === '') throw new Error('the body is empty');
  let parsed: PyJson;
  try {
    parsed = pythonJson(text);
  } catch (error) {
    throw new BadBody((error as Error).message);
  }
  const synapse = record(parsed, 'the body');
  return {
    timeout: asFloat(synapse['timeout'] ?? 12),
    total_size: whole(synapse['total_size'] ?? 0n, 'total_size'),
    header_size: whole(synapse['header_size'] ?? 0n, 'header_size'),
    dendrite: terminal(synapse['dendrite'] ?? {}, 'dendrite'),
    axon: terminal(synapse['axon'] ?? {}, 'axon'),
    computed_body_hash: string(synapse['computed_body_hash'] ?? '', 'computed_body_hash'),
    simulation_input: name === 'Simulation' ? promptOf(synapse['simulation_input'], now) : null,
  };
}

/** The prompt as plain numbers, for the code that checks and answers it. */
export function plainPrompt(input: Readonly<Record<string, PyJson>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(input).map(([key, value]) => [key, typeof value === 'bigint' ? Number(value) : value]),
  );
}

/** What is answered to a prompt: `simulation_output` as JSON text, under the start that was asked for. */
export interface Output {
  readonly start_s: number;
  /** All of it behind the start: `,60,[p,p,...],...]`. */
  readonly rest: SharedText;
}

/** The answer's body: the synapse with the axon's word on it; `output` is null for a ping. */
export function answerBody(
  name: string,
  body: SynapseBody,
  process_s: number,
  output: Output | null,
): { payload: Payload; axon: Terminal } {
  const axon = { ...body.axon, status_code: 200n, status_message: 'Success', process_time: process_s };
  const { simulation_input, ...rest } = body;
  const fields = pyJsonText({ name, ...rest, axon }).slice(0, -1);
  if (simulation_input === null || output === null)
    return { payload: { head: `${fields}}`, shared: null, tail: '' }, axon };
  const head = `${fields},"simulation_input":${pyJsonText(simulation_input)},"simulation_output":[${output.start_s}`;
  return { payload: { head, shared: output.rest, tail: '}' }, axon };
}

/** JSON text as Python writes it: ints and floats apart, no spaces. */
function pyJsonText(value: PyJson): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'bigint') return pyStr(value, 'text');
  if (Array.isArray(value)) return `[${value.map(pyJsonText).join(',')}]`;
  return `{${Object.entries(value)
    .map(([key, one]) => `${JSON.stringify(key)}:${pyJsonText(one)}`)
    .join(',')}}`;
}

type PyRecord = { [key: string]: PyJson };

function record(value: PyJson | undefined, what: string): PyRecord {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Error(`${what} is no object`);
}

function asFloat(value: PyJson): number {
  const seconds = typeof value === 'bigint' ? Number(value) : value;
  if (typeof seconds === 'number' && Number.isFinite(seconds)) return seconds;
  throw new Error('timeout is no number');
}

function whole(value: PyJson, what: string): bigint {
  if (typeof value === 'bigint') return value;
  throw new Error(`${what} is no whole number`);
}

function string(value: PyJson, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${what} is no text`);
}

const isText = new Set<string>(['status_message', 'ip', 'uuid', 'hotkey', 'signature']);

function terminal(value: PyJson, what: string): Terminal {
  const given = record(value, what);
  const fields = TERMINAL.map((field) => {
    const one = given[field] ?? null;
    const fits = isText.has(field)
      ? typeof one === 'string' && one.length <= 300
      : typeof one === 'bigint' || (field === 'process_time' && Number.isFinite(one));
    if (one !== null && !fits) throw new Error(`${what}.${field} is not what it should be`);
    return [field, one] as const;
  });
  return Object.fromEntries(fields) as Terminal;
}

/** The five fields in the SDK's order, with its defaults for those that are missing; others are dropped. */
function promptOf(value: PyJson | undefined, now: Date): Readonly<PyRecord> {
  const given = record(value, 'simulation_input');
  return {
    asset: given['asset'] ?? 'BTC',
    start_time: given['start_time'] ?? `${now.toISOString().slice(0, 19)}+00:00`,
    time_increment: given['time_increment'] ?? 300n,
    time_length: given['time_length'] ?? 86_400n,
    num_simulations: given['num_simulations'] ?? 1n,
  };
}
