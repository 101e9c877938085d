// What the axon answers in each case of the protocol: status, body, headers, and the order of its steps.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EMPTY_BODY_HASH, responseMessage } from '../../../miner/axon/message.js';
import { nonceNow, pingRequest, simulationRequest, withHeaders } from '../../../miner/validator/wire.js';
import { verify } from '../../../miner/wallet/sr25519.js';
import { decodeSs58 } from '../../../miner/wallet/ss58.js';
import {
  alice,
  anybody,
  asked,
  bob,
  dendrite,
  mallory,
  messageOf,
  openScene,
  PROMPT,
  type Scene,
  sendTo,
} from './scene.js';

let scene: Scene;
let open: Scene;
beforeAll(async () => {
  scene = await openScene();
  open = await openScene({ policy: anybody });
});
afterAll(async () => {
  await scene.close();
  await open.close();
});

const S = 1_000_000_000n;

describe('a signed prompt', () => {
  it('is answered with its echo, the forecast, and the axon’s word in body and headers', async () => {
    const reply = await sendTo(scene, asked(scene.axon));
    expect(reply.status).toBe(200);
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json',
      name: 'Simulation',
      timeout: '12.0',
      bt_header_axon_status_code: '200',
      bt_header_axon_status_message: 'Success',
      bt_header_input_obj_simulation_input: 'e30=',
      computed_body_hash: EMPTY_BODY_HASH,
    });
    expect(Number(reply.headers['bt_header_axon_process_time'])).toBeGreaterThan(0);
    expect(Object.keys(reply.headers)).not.toContain('bt_header_axon_signature');
    expect(JSON.parse(reply.body)).toMatchObject({
      axon: { status_code: 200, status_message: 'Success' },
      simulation_input: PROMPT,
      simulation_output: [1768478520, 60, [100.5, 101.5, 102.5], [100.5, 101.5, 102.5]],
    });
  });

  it('is answered compressed when that is worth it and the caller can read it', async () => {
    const large = { num_simulations: 500 };
    const zipped = await sendTo(scene, asked(scene.axon, large));
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.bytes).toBeLessThan(zipped.body.length / 2);
    for (const encoding of ['identity', 'gzip;q=0', 'deflate'])
      expect(
        (await sendTo(scene, withHeaders(asked(scene.axon, large), { 'Accept-Encoding': encoding }))).headers,
      ).not.toHaveProperty('content-encoding');
    expect((await sendTo(scene, asked(scene.axon))).headers).not.toHaveProperty('content-encoding');
  });

  it('fills the defaults of what it leaves out, and drops what the protocol does not know', async () => {
    const request = asked(scene.axon);
    const body = request.body.replace(',"num_simulations":2', '').replace('"asset"', '"extra":1,"asset"');
    const reply = await sendTo(scene, { ...request, body });
    expect(JSON.parse(reply.body).simulation_input).toEqual({ ...PROMPT, num_simulations: 1 });
  });

  it('is a POST or a GET', async () => {
    expect((await sendTo(scene, { ...asked(scene.axon), method: 'GET' })).status).toBe(200);
  });
});

describe('a ping', () => {
  it('echoes', async () => {
    const reply = await sendTo(scene, pingRequest(dendrite, scene.axon, 5));
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.body)).toMatchObject({ name: 'Synapse', axon: { status_code: 200 } });
    expect(reply.body).not.toContain('simulation');
    expect(reply.headers).not.toHaveProperty('bt_header_input_obj_simulation_input');
  });
});

describe('a path or method of nobody', () => {
  it.each([
    ['/', ''],
    ['/Nope', 'Nope'],
    ['/Simulation/more', 'Simulation/more'],
    ['/simulation', 'simulation'],
  ])('%s is not found', async (path, name) => {
    const reply = await sendTo(scene, { ...asked(scene.axon), path });
    const message = `Synapse name '${name}' not found. Available synapses ['Synapse', 'Simulation']`;
    expect([reply.status, JSON.parse(reply.body)]).toEqual([404, { message }]);
    expect(reply.headers).toMatchObject({
      name: 'Synapse',
      timeout: '12.0',
      bt_header_axon_status_code: '404',
      bt_header_axon_status_message: message,
    });
    expect(reply.headers).not.toHaveProperty('bt_header_dendrite_hotkey');
  });

  it('PUT is not allowed', async () => {
    const reply = await sendTo(scene, { ...asked(scene.axon), method: 'PUT' });
    expect([reply.status, JSON.parse(reply.body)]).toEqual([405, { detail: 'Method Not Allowed' }]);
  });
});

describe('a caller that may not ask', () => {
  it('is told so before its signature is looked at, with the synapse in the headers', async () => {
    const stranger = { ...dendrite, signer: mallory };
    const request = withHeaders(simulationRequest(stranger, scene.axon, PROMPT, 61.25), {
      bt_header_dendrite_signature: '0x00',
    });
    const reply = await sendTo(scene, request);
    expect([reply.status, messageOf(reply)]).toEqual([
      403,
      'Forbidden. Key is blacklisted: Unrecognized hotkey.',
    ]);
    expect(reply.headers).toMatchObject({
      name: 'Simulation',
      timeout: '61.25',
      bt_header_axon_status_code: '403',
      bt_header_dendrite_hotkey: mallory.ss58,
      bt_header_dendrite_ip: '127.0.0.1',
    });
  });

  it.each([
    ['bt_header_dendrite_hotkey', 'Missing dendrite or hotkey'],
    ['bt_header_dendrite_signature', 'Missing signature'],
  ])('lacks %s', async (header, reason) => {
    const reply = await sendTo(scene, withHeaders(asked(scene.axon), { [header]: null }));
    expect([reply.status, messageOf(reply)]).toEqual([403, `Forbidden. Key is blacklisted: ${reason}.`]);
  });
});

describe('an axon open to anybody', () => {
  it.each([
    ['no hotkey', { bt_header_dendrite_hotkey: null }, 'No SS58 formatted address or public key provided.'],
    ['no address', { bt_header_dendrite_hotkey: '5Nonsense' }, 'Invalid SS58 address'],
    ['no nonce', { bt_header_dendrite_nonce: null }, 'Missing Nonce'],
    ['no signature', { bt_header_dendrite_signature: null }, 'Missing Signature'],
  ])('refuses %s', async (_, change, text) => {
    const reply = await sendTo(open, withHeaders(asked(open.axon), change));
    expect([reply.status, messageOf(reply)]).toEqual([401, `Not Verified with error: ${text}`]);
  });

  it('signs its refusal over the text of an axon', async () => {
    const request = withHeaders(asked(open.axon), { bt_header_dendrite_signature: `0x${'1'.repeat(128)}` });
    const { headers } = await sendTo(open, request);
    const field = (name: string): string => String(headers[`bt_header_axon_${name}`]);
    const message = responseMessage({
      nonce: field('nonce'),
      dendrite: alice.ss58,
      axon: bob.ss58,
      uuid: field('uuid'),
    });
    expect(verify(message, field('signature'), decodeSs58(bob.ss58)!)).toBe(true);
  });
});

describe('a forged or repeated request', () => {
  it('is a mismatch when it is signed by another key, over another nonce, uuid or hash, or for another miner', async () => {
    const forged = [
      withHeaders(simulationRequest({ ...dendrite, signer: mallory }, open.axon, PROMPT, 61.25), {
        bt_header_dendrite_hotkey: alice.ss58,
      }),
      withHeaders(asked(open.axon), { bt_header_dendrite_uuid: 'another' }),
      withHeaders(asked(open.axon), { bt_header_dendrite_nonce: nonceNow() }),
      withHeaders(asked(open.axon), { computed_body_hash: '00' }),
      simulationRequest(dendrite, { ...open.axon, hotkey: mallory.ss58 }, PROMPT, 61.25),
    ];
    for (const request of forged) {
      const reply = await sendTo(open, request);
      expect(reply.status).toBe(401);
      expect(messageOf(reply)).toMatch(/^Not Verified with error: Signature mismatch with \d+\.5.* and 0x/);
    }
  });

  it('is too old the second time', async () => {
    const request = asked(scene.axon);
    expect((await sendTo(scene, request)).status).toBe(200);
    const again = await sendTo(scene, request);
    expect([again.status, messageOf(again)]).toEqual([
      401,
      'Not Verified with error: Nonce is too old, a newer one was last processed',
    ]);
  });

  it('cannot lock a validator out: a huge nonce in its name is not remembered', async () => {
    const huge = withHeaders(asked(open.axon), { bt_header_dendrite_nonce: '9999999999999999999' });
    for (const signature of [null, `0x${'1'.repeat(128)}`])
      expect(
        (await sendTo(open, withHeaders(huge, { bt_header_dendrite_signature: signature }))).status,
      ).toBe(401);
    expect((await sendTo(open, asked(open.axon))).status).toBe(200);
  });

  it('is fresh for 4 s and its timeout, whatever its version, and no timeout makes it fresh for ever', async () => {
    const now = BigInt(Date.now()) * 1_000_000n;
    const timed = await openScene({ now_ns: () => now });
    const aged = (s: bigint, timeout_s: number, uuid: string, version = '10002000') =>
      sendTo(
        timed,
        withHeaders(
          simulationRequest({ ...dendrite, uuid }, timed.axon, PROMPT, timeout_s, String(now - s * S)),
          { bt_header_dendrite_version: version },
        ),
      );
    expect((await aged(64n, 61.25, 'a')).status).toBe(200);
    const old = await aged(66n, 61.25, 'b');
    expect(messageOf(old)).toBe(
      'Not Verified with error: Nonce is too old: acceptable delta is 65.25 seconds but request was 66.00 seconds old',
    );
    expect((await aged(66n, 61.25, 'c', '7001000')).status).toBe(401);
    for (const age of [1n, 3n, 5n, 15n]) expect((await aged(age, 12, `d${age}`)).status).toBe(200);
    for (const age of [18n, 19n]) expect((await aged(age, 12, `d${age}`)).status).toBe(401);
    expect((await aged(3600n, 1e9, 'e')).status).toBe(401);
    expect((await aged(-60n, 61.25, 'f')).status).toBe(200);
    expect((await aged(-3600n, 61.25, 'g')).status).toBe(401);
    await timed.close();
  });
});
