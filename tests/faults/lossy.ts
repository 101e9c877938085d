// A proxy in front of a NATS server that drops half of all messages, either way, and nothing of the protocol around them: what travels
// is a stream of lines (INFO, CONNECT, SUB, PING, +OK ...) and of messages, a line that ends in the number of bytes that follow.
// Which half is drawn from a seed: of every second one, a question might pass each time and its answer never.
import { createServer, connect as dial, type Socket } from 'node:net';
import { rng } from '../../forecast/rng.js';

export interface Lossy {
  readonly port: number;
  /** Begins to drop, or ends it. At first everything passes. */
  lose(half: boolean): void;
  /** What came while it dropped, by direction. */
  readonly told: Readonly<Record<'up' | 'down', Told>>;
  close(): Promise<void>;
}

export interface Told {
  passed: number;
  dropped: number;
  /** Of the dropped ones, those that carry an event. */
  events: number;
}

const MESSAGE = /^(MSG|HMSG|PUB|HPUB) /;
const END = '\r\n';
/** What an event looks like, on its way to the stream and from there. */
const EVENT = /"v":1,"id":\d+,"kind":/;

export async function openLossy(port: number, seed: string): Promise<Lossy> {
  const random = rng(seed);
  const sockets = new Set<Socket>();
  const told = { up: { passed: 0, dropped: 0, events: 0 }, down: { passed: 0, dropped: 0, events: 0 } };
  let isLosing = false;
  const server = createServer((inside) => {
    const outside = dial(port, '127.0.0.1');
    for (const [from, to, way] of [
      [inside, outside, 'up'],
      [outside, inside, 'down'],
    ] as const) {
      sockets.add(from);
      from.on('error', () => from.destroy());
      from.once('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      const loses = (message: Buffer): boolean => {
        if (!isLosing) return false;
        const isLost = random.uniform() < 0.5;
        told[way][isLost ? 'dropped' : 'passed'] += 1;
        if (isLost && EVENT.test(message.toString('latin1'))) told[way].events += 1;
        return isLost;
      };
      let rest = Buffer.alloc(0);
      from.on('data', (chunk) => {
        rest = forward(Buffer.concat([rest, chunk]), to, loses);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    lose(half) {
      isLosing = half;
    },
    told,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Passes on every whole line, and the whole messages that are not lost; what is left is the beginning of the next one. */
function forward(bytes: Buffer, to: Socket, loses: (message: Buffer) => boolean): Buffer<ArrayBuffer> {
  let at = 0;
  for (;;) {
    const end = bytes.indexOf(END, at);
    if (end < 0) break;
    const line = bytes.toString('latin1', at, end);
    const isMessage = MESSAGE.test(line);
    const next = end + END.length + (isMessage ? Number(line.slice(line.lastIndexOf(' '))) + END.length : 0);
    if (next > bytes.length) break;
    const whole = bytes.subarray(at, next);
    if (!isMessage || !loses(whole)) to.write(whole);
    at = next;
  }
  return Buffer.from(bytes.subarray(at));
}
