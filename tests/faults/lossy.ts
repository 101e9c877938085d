// A proxy in front of a NATS server that drops every second message, either way, and nothing of the protocol around them: what travels
// is a stream of lines (INFO, CONNECT, SUB, PING, +OK ...) and of messages, a line that ends in the number of bytes that follow.
import { createServer, connect as dial, type Socket } from 'node:net';

export interface Lossy {
  readonly port: number;
  /** Messages that were dropped. */
  readonly dropped: () => number;
  close(): Promise<void>;
}

const MESSAGE = /^(MSG|HMSG|PUB|HPUB) /;
const END = '\r\n';

export async function openLossy(port: number): Promise<Lossy> {
  const sockets = new Set<Socket>();
  let messages = 0;
  let dropped = 0;
  const loses = (): boolean => {
    messages += 1;
    if (messages % 2 === 0) return false;
    dropped += 1;
    return true;
  };
  const server = createServer((inside) => {
    const outside = dial(port, '127.0.0.1');
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      sockets.add(from);
      from.on('error', () => from.destroy());
      from.once('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      let rest = Buffer.alloc(0);
      from.on('data', (chunk) => {
        rest = forward(Buffer.concat([rest, chunk]), to, loses);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    dropped: () => dropped,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Passes on every whole line and every second whole message; what is left is the beginning of the next one. */
function forward(bytes: Buffer, to: Socket, loses: () => boolean): Buffer<ArrayBuffer> {
  let at = 0;
  for (;;) {
    const end = bytes.indexOf(END, at);
    if (end < 0) break;
    const line = bytes.toString('latin1', at, end);
    const isMessage = MESSAGE.test(line);
    const next = end + END.length + (isMessage ? Number(line.slice(line.lastIndexOf(' '))) + END.length : 0);
    if (next > bytes.length) break;
    if (!isMessage || !loses()) to.write(bytes.subarray(at, next));
    at = next;
  }
  return Buffer.from(bytes.subarray(at));
}
