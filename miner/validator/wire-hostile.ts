// What a miner meets on an open port, played against one's own: forgeries, replays, floods, stalls, garbage.
// Promises: every play says what a sound axon does and what this one did; each is bounded in time and in connections.
// Leaves to others: whether the miner still answers honestly afterwards, which is the caller's last question.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Prompt } from '../sn50/prompt.js';
import { devSigner } from '../wallet/sr25519.js';
import {
  type AxonAddress,
  type Dendrite,
  exchange,
  nonceNow,
  pingRequest,
  simulationRequest,
  type WireRequest,
  withHeaders,
} from './wire.js';

/** What was seen: an HTTP status, or that the connection was closed, or stayed silent. */
export type Seen = number | 'closed' | 'silent';

export interface Play {
  readonly name: string;
  readonly sound: readonly Seen[];
  run(): Promise<Seen>;
}

const WAIT_MS = 20_000;
const FLOOD = 200;
const FLOOD_AT_ONCE = 20;
const HOUR_S = 3600;

export function hostilePlays(dendrite: Dendrite, axon: AxonAddress, prompt: Prompt): Play[] {
  const ping = (nonce?: string): WireRequest => pingRequest(dendrite, axon, 12, nonce);
  const send = async (request: WireRequest): Promise<Seen> =>
    (await exchange(axon, request, WAIT_MS))?.status ?? 'closed';
  const refused = [401, 403] as const;
  const single = (name: string, sound: readonly Seen[], request: () => WireRequest): Play => ({
    name,
    sound,
    run: () => send(request()),
  });
  const raw = (name: string, sound: readonly Seen[], bytes: () => string): Play => ({
    name,
    sound: [...sound, 'closed'],
    run: () => firstStatus(axon, bytes()),
  });
  const asked = (change: Partial<Prompt>): WireRequest =>
    simulationRequest(dendrite, axon, { ...prompt, ...change }, 12);
  const signature = 'bt_header_dendrite_signature';
  return [
    single('no signature', refused, () => withHeaders(ping(), { [signature]: null })),
    single('no hotkey', refused, () => withHeaders(ping(), { bt_header_dendrite_hotkey: null })),
    single('signed by another key', refused, () =>
      withHeaders(ping(), { [signature]: devSigner('//Mallory')!.sign('another text') }),
    ),
    single('signature of zeros', refused, () => withHeaders(ping(), { [signature]: `0x${'00'.repeat(64)}` })),
    single('a stranger', refused, () =>
      pingRequest({ ...dendrite, signer: devSigner('//Mallory')! }, axon, 12),
    ),
    single('an hour old, with a timeout of a year', refused, () =>
      withHeaders(ping(String(BigInt(nonceNow()) - BigInt(HOUR_S) * 1_000_000_000n)), {
        timeout: '31536000.0',
      }),
    ),
    {
      name: 'a replay',
      sound: refused,
      async run() {
        const request = ping();
        await send(request);
        return send(request);
      },
    },
    {
      name: 'a lock-out by a huge nonce',
      sound: [200],
      async run() {
        for (const forged of [null, `0x${'11'.repeat(64)}`])
          await send(withHeaders(ping('9999999999999999999'), { [signature]: forged }));
        return send(ping());
      },
    },
    single('a nonce that is no number', [500], () =>
      withHeaders(ping(), { bt_header_dendrite_nonce: 'soon' }),
    ),
    single('an unknown synapse', [404], () => ({ ...ping(), path: '/Nope' })),
    single('a wrong method', [405], () => ({ ...ping(), method: 'DELETE' })),
    single('a body of no JSON', [422], () => ({ ...ping(), body: '{"a":' })),
    single('broken gzip', [422], () => ({ ...ping(), body: '\u001f\u008b\b\u0000\u0000' })),
    single('10^6 simulations', [500], () => asked({ num_simulations: 1_000_000 })),
    single('an increment that does not divide', [500], () => asked({ time_increment: 7 })),
    single('an asset in another script', [500], () => asked({ asset: '比特币' })),
    single('a start in the past', [500], () => asked({ start_time: '2001-01-01T00:00:00+00:00' })),
    single('a start in the far future', [500], () => asked({ start_time: '2999-01-01T00:00:00+00:00' })),
    raw('garbage', [400], () => '\u0016\u0003\u0001hello\r\n\r\n'),
    raw('HTTP/2', [400, 505], () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    raw('a header of 1 MB', [431], () => `POST /Synapse HTTP/1.1\r\nx: ${'y'.repeat(1_000_000)}\r\n\r\n`),
    raw('a body of 100 MB', [413], () => headOf(ping(), 'Content-Length: 100000000\r\n')),
    raw('a body that never comes', [408], () => headOf(ping(), 'Content-Length: 500\r\n')),
    raw('headers that never end', [408], () => 'POST /Synapse HTTP/1.1\r\nx: y'),
    {
      name: `${FLOOD} forged requests, and one that is not`,
      sound: [200],
      async run() {
        const forged = (): WireRequest => withHeaders(ping(), { [signature]: `0x${'22'.repeat(64)}` });
        const flood = Array.from({ length: FLOOD_AT_ONCE }, async () => {
          for (let i = 0; i < FLOOD / FLOOD_AT_ONCE; i += 1) await send(forged());
        });
        const honest = await send(ping());
        await Promise.all(flood);
        return honest;
      },
    },
    {
      name: 'slow readers, and one that is not',
      sound: [200],
      async run() {
        const readers = Array.from({ length: 8 }, () => {
          const request = simulationRequest(dendrite, axon, prompt, 5);
          const socket = dial(axon);
          socket.pause();
          socket.write(
            `${headOf(request, `Content-Length: ${Buffer.byteLength(request.body)}\r\n`)}${request.body}`,
          );
          return socket;
        });
        const honest = await send(ping());
        for (const socket of readers) socket.destroy();
        return honest;
      },
    },
  ];
}

const dial = ({ host, port }: AxonAddress): Socket =>
  connect({ host, port, family: 4 }).on('error', () => undefined);

const headOf = ({ method, path, headers }: WireRequest, extra: string): string =>
  `${method} ${path} HTTP/1.1\r\nHost: axon\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}${extra}\r\n`;

/** Sends bytes as they are and waits for the first word, or the end, of the other side. */
async function firstStatus(axon: AxonAddress, bytes: string): Promise<Seen> {
  const socket = dial(axon);
  socket.write(bytes, 'latin1');
  const signal = AbortSignal.timeout(WAIT_MS);
  try {
    return await Promise.race([
      once(socket, 'data', { signal }).then(([chunk]) =>
        Number(/^HTTP\/1\.1 (\d{3})/.exec(String(chunk))?.[1]),
      ),
      once(socket, 'close', { signal }).then(() => 'closed' as const),
    ]);
  } catch {
    return 'silent';
  } finally {
    socket.destroy();
  }
}
