// What would keep an axon busy, or confuse it: slow senders, bombs, other address families, and clocks that jump.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nonceNow, withHeaders } from '../../../miner/validator/wire.js';
import { asked, openScene, type Scene, sendTo } from './scene.js';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ host: '0.0.0.0', limits: { headers_ms: 300, body_ms: 300, request_ms: 2000 } });
});
afterAll(() => scene.close());

const head = (extra = ''): string =>
  `POST /Simulation HTTP/1.1\r\nHost: x\r\n${asked(scene.axon)
    .headers.map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}${extra}\r\n`;

/** Sends `first`, then a byte now and then until the axon ends it; returns what was heard. */
async function drip(first: string, byte: string): Promise<string> {
  const socket = connect(scene.axon.port, '127.0.0.1').on('error', () => undefined);
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  socket.write(first);
  const dripping = setInterval(() => socket.writable && socket.write(byte), 20);
  await once(socket, 'close');
  clearInterval(dripping);
  return heard;
}

describe('a slow sender', () => {
  it('of headers, a byte at a time, is over at their time', async () => {
    expect(await drip('POST /Simulation HTTP/1.1\r\nx: ', 'y')).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('of a body, a byte at a time, is over at its time', async () => {
    expect(await drip(head('Content-Length: 60000\r\n'), ' ')).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('a bomb', () => {
  it('of thousands of headers is cut at their bound', async () => {
    const many = Array.from({ length: 5000 }, (_, i) => `x${i}: y\r\n`).join('');
    expect(await drip(head(many), '')).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('of 100 MB that is really sent is not taken in', async () => {
    const socket: Socket = connect(scene.axon.port, '127.0.0.1').on('error', () => undefined);
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    let over = false;
    const closed = once(socket, 'close').then(() => {
      over = true;
    });
    socket.write(head('Content-Length: 100000000\r\n'));
    const piece = Buffer.alloc(2 ** 20, 'x');
    for (let sent = 0; sent < 95 && !over; sent += 1)
      if (!socket.write(piece)) await Promise.race([once(socket, 'drain').catch(() => undefined), closed]);
    socket.end();
    await closed;
    expect(heard).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('of gzip that is none, or is, is no JSON: bodies are not unpacked', async () => {
    for (const body of ['\u001f\u008b\b\u0000broken', '\u001f\u008b']) {
      const request = { ...withHeaders(asked(scene.axon), {}), body };
      const packed = { ...request, headers: [...request.headers, ['Content-Encoding', 'gzip'] as const] };
      expect((await sendTo(scene, packed)).status).toBe(422);
    }
  });
});

it('is not there over IPv6: dendrites cannot name such an address', async () => {
  const socket = connect(scene.axon.port, '::1');
  const [error] = await once(socket, 'error');
  expect(['ECONNREFUSED', 'EADDRNOTAVAIL', 'ENETUNREACH', 'EAFNOSUPPORT']).toContain(error.code);
});

it('refuses an increment that does not divide the length, or is no whole minute: no bars have that grid', async () => {
  for (const grid of [
    { time_increment: 420, time_length: 86_400 },
    { time_increment: 50, time_length: 100 },
  ]) {
    const reply = await sendTo(scene, asked(scene.axon, grid));
    expect(reply.status).toBe(500);
    expect(reply.body).not.toContain('simulation_output');
  }
});

describe('a clock that jumps', () => {
  const HOUR = 3_600_000_000_000n;
  it('refuses what looks old or early meanwhile, answers again once it is right, and no request twice', async () => {
    let jump = 0n;
    const one = await openScene({ now_ns: () => BigInt(Date.now()) * 1_000_000n + jump });
    const status = async (request = asked(one.axon)): Promise<number> => (await sendTo(one, request)).status;
    const used = asked(one.axon, {}, 61.25, nonceNow());
    expect(await status(used)).toBe(200);
    for (const by of [-HOUR, 2n * HOUR]) {
      jump = by;
      expect(await status()).toBe(401);
      expect(await status(used)).toBe(401);
      jump = 0n;
      expect(await status(used)).toBe(401);
      expect(await status()).toBe(200);
    }
    await one.close();
  });
});
