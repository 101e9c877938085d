// A door between a client and a server that a test can shut: what a restarting or unplugged server looks like. Frozen, it is a line
// that was cut without a word: connections stay open and nothing comes through them ever again.
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

export interface Door {
  readonly port: number;
  /** Ends every connection and refuses new ones. */
  shut(): Promise<void>;
  /** Stops forwarding without closing anything; connections made meanwhile are as dead. */
  freeze(): void;
  /** Lets connections through again that are made from now on. */
  thaw(): void;
  /** Lets connections through again, on the same port. */
  open(): Promise<void>;
}

export async function openDoor(host: string, port: number): Promise<Door> {
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const server: Server = createServer((inside) => {
    keep(inside);
    if (isFrozen) return;
    const outside = keep(dial(port, host));
    inside.pipe(outside);
    outside.pipe(inside);
    inside.once('close', () => outside.destroy());
    outside.once('close', () => inside.destroy());
  });
  const listen = (at: number): Promise<void> =>
    new Promise((resolve, reject) => server.once('error', reject).listen(at, '127.0.0.1', resolve));
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the door has no port');
  return {
    port: address.port,
    freeze() {
      isFrozen = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    thaw() {
      isFrozen = false;
    },
    shut: () =>
      new Promise((resolve) => {
        if (!server.listening) return resolve();
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
    open: () => (server.listening ? Promise.resolve() : listen(address.port)),
  };
}
