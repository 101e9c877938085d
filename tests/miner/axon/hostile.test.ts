// What strangers send that is no request of the protocol: the axon ends it with a status, a bounded effort and one line,
// and goes on answering its validator.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exchange, simulationRequest, withHeaders } from '../../../miner/validator/wire.js';
import { alice, anybody, asked, dendrite, flat, mallory, openScene, PROMPT, type Scene } from './scene.js';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene({
    limits: { headers_ms: 300, body_ms: 300, request_ms: 2000, connectionsEach: 8 },
  });
});
afterEach(async () => {
  const reply = await exchange(scene.axon, asked(scene.axon), 20_000);
  await scene.close();
  expect(reply?.status, 'the validator is still answered').toBe(200);
});

const dial = (): Socket => connect(scene.axon.port, '127.0.0.1').on('error', () => undefined);

/** Everything that comes back until the axon ends the connection. */
async function talk(...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = dial();
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  for (const part of parts) socket.write(part);
  await once(socket, 'close');
  return heard;
}

const head = (request = asked(scene.axon), extra = ''): string =>
  `POST /Simulation HTTP/1.1\r\nHost: x\r\n${request.headers.map(([n, v]) => `${n}: ${v}\r\n`).join('')}${extra}\r\n`;
const statuses = (): unknown[] => scene.lines.map((line) => line['status']);

describe('a connection that carries no request', () => {
  it('of HTTP/2 is told that only HTTP/1.1 is spoken', async () => {
    expect(await talk('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toMatch(/^HTTP\/1\.1 (505|400) /);
    expect(scene.lines).toHaveLength(1);
  });

  it.each([
    ['garbage', 'hello\r\n\r\n'],
    ['a TLS greeting', Buffer.from('16030100c8010000c40303', 'hex')],
    ['two lengths', 'POST /Simulation HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ])('of %s is a bad request', async (_, bytes) => {
    expect(await talk(bytes)).toMatch(/^HTTP\/1\.1 400 /);
    expect(statuses()).toEqual([400]);
  });

  it('of endless headers is cut at their bound', async () => {
    expect(await talk(head(undefined, `x: ${'y'.repeat(100_000)}\r\n`))).toMatch(/^HTTP\/1\.1 431 /);
    expect(statuses()).toEqual([431]);
  });

  it('that never finishes its headers is timed out', async () => {
    expect(await talk('POST /Simulation HTTP/1.1\r\nx: y')).toMatch(/^HTTP\/1\.1 408 /);
    expect(statuses()).toEqual([408]);
  });
});

describe('a body', () => {
  const sized = (bytes: number): string => head(undefined, `Content-Length: ${bytes}\r\n`);

  it('of 100 MB is refused by its length, and the refusal is heard', async () => {
    const socket = dial();
    socket.write(sized(100_000_000));
    const [reply] = await once(socket, 'data');
    socket.destroy();
    expect(String(reply)).toMatch(/^HTTP\/1\.1 413 /);
    expect(statuses()).toEqual([413]);
  });

  it('that grows beyond the bound without saying so is refused', async () => {
    const socket = dial();
    socket.write(head(undefined, 'Transfer-Encoding: chunked\r\n'));
    for (let i = 0; i < 20; i += 1) socket.write(`2000\r\n${'x'.repeat(0x2000)}\r\n`);
    const [reply] = await once(socket, 'data');
    socket.destroy();
    expect(String(reply)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('that never comes is a 408, and its turn is free again', async () => {
    const socket = dial();
    socket.write(sized(500));
    const [reply] = await once(socket, 'data');
    socket.destroy();
    expect(String(reply)).toMatch(/^HTTP\/1\.1 408 /);
    expect(statuses()).toEqual([408]);
  });

  it('of a caller that may not ask is not read at all', async () => {
    const stranger = simulationRequest({ ...dendrite, signer: mallory }, scene.axon, PROMPT, 12);
    const socket = dial();
    socket.write(head(stranger, 'Expect: 100-continue\r\nContent-Length: 100000000\r\n'));
    const [reply] = await once(socket, 'data');
    socket.destroy();
    expect(String(reply)).toMatch(/^HTTP\/1\.1 403 /);
  });
});

/** Of a machine that has other things to do. */
const PATIENT = { timeout: 20_000, interval: 10 };

describe('a flood', () => {
  it('of connections from one address is held to its bound', async () => {
    const sockets = Array.from({ length: 20 }, dial);
    await Promise.all(sockets.slice(8).map((socket) => once(socket, 'close')));
    // Not a line for each: one a second.
    expect(scene.lines.length).toBeLessThan(12);
    const gone = sockets.slice(0, 8).map((socket) => once(socket, 'close'));
    for (const socket of sockets) socket.destroy();
    await Promise.all(gone);
    // The axon learns of it a moment later.
    await expect.poll(async () => (await exchange(scene.axon, asked(scene.axon), 20_000))?.status).toBe(200);
  });

  it('of one validator waits behind itself, not in front of another', async () => {
    const order: string[] = [];
    const release: (() => void)[] = [];
    const crowded = await openScene({
      policy: anybody,
      limits: { running: 1, waiting: 8, waitingEach: 4 },
      forward: async (prompt, validator, signal, until_ms) => {
        order.push(validator);
        await new Promise<void>((resolve) => release.push(resolve));
        return flat(prompt, validator, signal, until_ms);
      },
    });
    const flooder = { ...dendrite, signer: mallory };
    const ask = (who: typeof dendrite, uuid: string) =>
      exchange(crowded.axon, simulationRequest({ ...who, uuid }, crowded.axon, PROMPT, 30), 30_000);
    const flood = Array.from({ length: 8 }, (_, i) => ask(flooder, `f${i}`));
    await expect.poll(() => crowded.lines.length, PATIENT).toBe(3);
    const honest = ask(dendrite, 'a');
    // One runs, four wait, three were turned away; the other validator is next all the same.
    let answered = false;
    const settled = Promise.all([...flood, honest]).finally(() => {
      answered = true;
    });
    await expect.poll(() => release.length, PATIENT).toBe(1);
    await expect
      .poll(() => {
        for (const go of release.splice(0)) go();
        return answered;
      }, PATIENT)
      .toBe(true);
    const replies = await settled;
    await crowded.close();
    expect(replies.at(-1)?.status).toBe(200);
    expect(replies.filter((reply) => reply?.status === 408)).toHaveLength(3);
    expect(order.slice(0, 2)).toContain(mallory.ss58);
    expect(order.indexOf(alice.ss58)).toBeLessThanOrEqual(2);
  });

  it('of forged requests leaves the validator’s own one answered', async () => {
    const forged = withHeaders(asked(scene.axon), { bt_header_dendrite_signature: `0x${'1'.repeat(128)}` });
    for (let i = 0; i < 5; i += 1) {
      const replies = await Promise.all(
        Array.from({ length: 5 }, () => exchange(scene.axon, forged, 20_000)),
      );
      expect(replies.map((reply) => reply?.status)).toEqual([401, 401, 401, 401, 401]);
    }
  });
});

describe('a reader that stops reading', () => {
  it('is cut off at its own deadline', async () => {
    const request = asked(scene.axon, { num_simulations: 10_000, time_length: 86_400 }, 1);
    const socket = dial();
    socket.pause();
    const plain = withHeaders(request, { 'Accept-Encoding': 'identity' });
    socket.write(`${head(plain, `Content-Length: ${plain.body.length}\r\n`)}${plain.body}`);
    await expect.poll(() => scene.lines.length, { timeout: 20_000 }).toBe(1);
    socket.destroy();
  });
});
