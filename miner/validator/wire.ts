// The request that a validator sends, as Synth's own worker sends it: headers in wire order, the identity in them alone,
// the compact body; and the exchange of one request for one reply under one deadline.
// Leaves to others: what the reply is worth (wire-verdict.ts), what is asked and when.
import { request as httpRequest } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { EMPTY_BODY_HASH, requestMessage } from '../axon/message.js';
import type { Prompt } from '../sn50/prompt.js';
import { pyStr } from '../sn50/response.js';
import type { Signer } from '../wallet/sr25519.js';

/** One validator process. */
export interface Dendrite {
  readonly signer: Signer;
  /** Its address as the world sees it. */
  readonly ip: string;
  /** Fixed for the life of the process. */
  readonly uuid: string;
}

/** The miner as its validator knows it from the chain. */
export interface AxonAddress {
  readonly host: string;
  readonly port: number;
  readonly hotkey: string;
}

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  /** In wire order; Host and Content-Length come by themselves. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** Bytes of the body on the wire. */
  readonly bytes: number;
  /** Wall seconds from sending to the last byte, and until it was unpacked and read as text. */
  readonly received_s: number;
  readonly process_time: number;
}

const VERSION = '10002000';
/** sys.getsizeof figures of the SDK; nobody reads them. */
const HEADER_SIZE = 464;
const TOTAL_SIZE = { headers: 3867, body: 3106 } as const;

let lastNonce = 0n;

/** The time in ns, and larger than the one before: a miner refuses a nonce that did not grow. */
export function nonceNow(): string {
  const now = BigInt(Date.now()) * 1_000_000n;
  lastNonce = now > lastNonce ? now : lastNonce + 1n;
  return String(lastNonce);
}

const empty =
  '{"status_code":null,"status_message":null,"process_time":null,"ip":null,"port":null,"version":null,"nonce":null,"uuid":null,"hotkey":null,"signature":null}';

function synapseBody(name: string, rest: string): string {
  return `{"name":"${name}","timeout":12.0,"total_size":${TOTAL_SIZE.body},"header_size":0,"dendrite":${empty},"axon":${empty},"computed_body_hash":""${rest}}`;
}

/** A signed prompt, as Synth's validator sends it. */
export function simulationRequest(
  dendrite: Dendrite,
  axon: AxonAddress,
  prompt: Prompt,
  timeout_s: number,
  nonce: string = nonceNow(),
): WireRequest {
  const body = synapseBody(
    'Simulation',
    `,"simulation_input":${JSON.stringify(prompt)},"simulation_output":null`,
  );
  return signedRequest('Simulation', dendrite, axon, timeout_s, nonce, body);
}

/** A signed ping. */
export const pingRequest = (
  dendrite: Dendrite,
  axon: AxonAddress,
  timeout_s: number,
  nonce: string = nonceNow(),
): WireRequest => signedRequest('Synapse', dendrite, axon, timeout_s, nonce, synapseBody('Synapse', ''));

function signedRequest(
  name: string,
  { signer, ip, uuid }: Dendrite,
  axon: AxonAddress,
  timeout_s: number,
  nonce: string,
  body: string,
): WireRequest {
  const signature = signer.sign(
    requestMessage({ nonce, dendrite: signer.ss58, axon: axon.hotkey, uuid, bodyHash: EMPTY_BODY_HASH }),
  );
  return {
    method: 'POST',
    path: `/${name}`,
    headers: [
      ['Accept', '*/*'],
      ['Accept-Encoding', 'gzip, deflate'],
      ['Connection', 'keep-alive'],
      ['User-Agent', 'python-httpx/0.28.1'],
      ['name', name],
      ['timeout', Number.isInteger(timeout_s) ? `${timeout_s}.0` : pyStr(timeout_s)],
      ['bt_header_axon_ip', axon.host],
      ['bt_header_axon_port', String(axon.port)],
      ['bt_header_axon_hotkey', axon.hotkey],
      ['bt_header_dendrite_ip', ip],
      ['bt_header_dendrite_version', VERSION],
      ['bt_header_dendrite_nonce', nonce],
      ['bt_header_dendrite_uuid', uuid],
      ['bt_header_dendrite_hotkey', signer.ss58],
      ['bt_header_dendrite_signature', signature],
      ...(name === 'Simulation' ? [['bt_header_input_obj_simulation_input', 'e30='] as const] : []),
      ['header_size', String(HEADER_SIZE)],
      ['total_size', String(TOTAL_SIZE.headers)],
      ['computed_body_hash', EMPTY_BODY_HASH],
      ['Content-Type', 'application/json'],
    ],
    body,
  };
}

/** The same request with some headers changed; null leaves one out. */
export const withHeaders = (
  request: WireRequest,
  change: Readonly<Record<string, string | null>>,
): WireRequest => ({
  ...request,
  headers: request.headers.flatMap(([name, value]) => {
    const next = name in change ? change[name]! : value;
    return next === null ? [] : [[name, next] as const];
  }),
});

/** Sends and reads the whole reply; null when there was none within `timeout_ms`, as asyncio.wait_for sees it. */
export function exchange(
  { host, port }: Pick<AxonAddress, 'host' | 'port'>,
  { method, path, headers, body }: WireRequest,
  timeout_ms: number,
): Promise<WireReply | null> {
  const started = performance.now();
  return new Promise((resolve) => {
    const lost = (): void => resolve(null);
    const sending = httpRequest(
      {
        host,
        port,
        method,
        path,
        family: 4,
        agent: false,
        headers: [
          'Host',
          `${host}:${port}`,
          ...headers.flat(),
          'Content-Length',
          String(Buffer.byteLength(body)),
        ],
        signal: AbortSignal.timeout(Math.ceil(timeout_ms)),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', lost);
        response.once('end', () => {
          const received_s = (performance.now() - started) / 1000;
          const sent = Buffer.concat(chunks);
          decoded(sent, response.headers['content-encoding']).then(
            (text) =>
              resolve({
                status: response.statusCode ?? 0,
                headers: response.headers,
                body: text,
                bytes: sent.length,
                received_s,
                process_time: (performance.now() - started) / 1000,
              }),
            lost,
          );
        });
      },
    );
    sending.once('error', lost);
    sending.end(body);
  });
}

async function decoded(body: Buffer, encoding: string | undefined): Promise<string> {
  if (encoding === 'gzip') return (await promisify(gunzip)(body)).toString('utf8');
  if (encoding === 'deflate') return (await promisify(inflate)(body)).toString('utf8');
  return body.toString('utf8');
}
