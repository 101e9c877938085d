// The wire protocol row by row: what each request header means to the axon, and what each client needs of an answer.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EMPTY_BODY_HASH, requestMessage } from '../../../miner/axon/message.js';
import { simulationRequest, type WireRequest, withHeaders } from '../../../miner/validator/wire.js';
import {
  alice,
  anybody,
  asked,
  bob,
  dendrite,
  mallory,
  openScene,
  PROMPT,
  type Scene,
  sendTo,
} from './scene.js';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ policy: anybody });
});
afterAll(() => scene.close());

const S = 1_000_000_000n;
const now = (): bigint => BigInt(Date.now()) * 1_000_000n;

/** A request that says of itself what `said` says, signed over just that. */
function signed(said: {
  uuid?: string | null;
  nonce?: bigint;
  hash?: string | null;
  axon?: string;
}): WireRequest {
  const nonce = String(said.nonce ?? now());
  const uuid = said.uuid === undefined ? `u${nonce}` : said.uuid;
  const hash = said.hash === undefined ? EMPTY_BODY_HASH : said.hash;
  const message = requestMessage({
    nonce,
    dendrite: alice.ss58,
    axon: said.axon ?? bob.ss58,
    uuid: uuid ?? 'None',
    bodyHash: hash ?? '',
  });
  return withHeaders(asked(scene.axon, {}, 61.25, nonce), {
    bt_header_dendrite_uuid: uuid,
    bt_header_dendrite_signature: alice.sign(message),
    computed_body_hash: hash,
  });
}

describe('a request header', () => {
  const with_ = (change: Record<string, string | null>) => () => withHeaders(signed({}), change);
  it.each<[string, () => WireRequest, number]>([
    ['name: the path decides', with_({ name: 'Synapse' }), 200],
    ['name: none', with_({ name: null }), 200],
    ['timeout: float text', with_({ timeout: '61.25' }), 200],
    ['timeout: a whole float', with_({ timeout: '12.0' }), 200],
    ['timeout: an int', with_({ timeout: '12' }), 200],
    ['timeout: with an exponent', with_({ timeout: '1e1' }), 200],
    ['timeout: none, fresh for 4 s', with_({ timeout: null }), 200],
    [
      'timeout: none, and 6 s old',
      () => withHeaders(signed({ nonce: now() - 6n * S }), { timeout: null }),
      401,
    ],
    ['timeout: negative', with_({ timeout: '-1.0' }), 500],
    ['axon_ip: another, as the caller knows it', with_({ bt_header_axon_ip: '0.0.0.0' }), 200],
    ['axon_ip: none', with_({ bt_header_axon_ip: null }), 200],
    ['axon_port: none', with_({ bt_header_axon_port: null }), 200],
    ['axon_port: no number', with_({ bt_header_axon_port: 'x' }), 500],
    ['axon_hotkey: another, signed for ours', with_({ bt_header_axon_hotkey: mallory.ss58 }), 200],
    ['axon_hotkey: ours, signed for another', () => signed({ axon: mallory.ss58 }), 401],
    ['dendrite_ip: none', with_({ bt_header_dendrite_ip: null }), 200],
    ['dendrite_version: 10.0.1', with_({ bt_header_dendrite_version: '10000001' }), 200],
    ['dendrite_version: none', with_({ bt_header_dendrite_version: null }), 200],
    ['dendrite_version: no int', with_({ bt_header_dendrite_version: '10.2.0' }), 500],
    ['dendrite_nonce: an int of 19 digits', () => signed({ nonce: now() + 1n }), 200],
    [
      'dendrite_nonce: changed in its last digit',
      with_({ bt_header_dendrite_nonce: String(now() + 7n) }),
      401,
    ],
    ['dendrite_nonce: 64 s old of 61.25', () => signed({ nonce: now() - 64n * S }), 200],
    ['dendrite_nonce: 66 s old of 61.25', () => signed({ nonce: now() - 66n * S }), 401],
    ['dendrite_nonce: an hour ahead', () => signed({ nonce: now() + 3600n * S }), 401],
    ['dendrite_uuid: none, signed as None', () => signed({ uuid: null }), 200],
    ['dendrite_hotkey: another', with_({ bt_header_dendrite_hotkey: mallory.ss58 }), 401],
    [
      'dendrite_signature: without 0x',
      () => {
        const one = signed({});
        const text = one.headers.find(([name]) => name === 'bt_header_dendrite_signature')![1];
        return withHeaders(one, { bt_header_dendrite_signature: text.slice(2) });
      },
      401,
    ],
    ['dendrite_signature: too short', with_({ bt_header_dendrite_signature: '0x12' }), 401],
    ['input_obj: another empty instance', with_({ bt_header_input_obj_simulation_input: 'W10=' }), 200],
    ['header_size: informational', with_({ header_size: '1' }), 200],
    ['total_size: none', with_({ total_size: null }), 200],
    ['total_size: no int', with_({ total_size: 'large' }), 500],
    ['computed_body_hash: none, signed as nothing', () => signed({ hash: null }), 500],
    ['computed_body_hash: another than was signed', with_({ computed_body_hash: 'ab' }), 401],
    ['Accept-Encoding: none', with_({ 'Accept-Encoding': null }), 200],
    ['User-Agent: aiohttp', with_({ 'User-Agent': 'Python/3.10 aiohttp/3.9' }), 200],
    ['Content-Type: none', with_({ 'Content-Type': null }), 200],
  ])('%s', async (_, request, status) => {
    expect((await sendTo(scene, request())).status).toBe(status);
  });

  it('dendrite_uuid: each process of a validator has nonces of its own', async () => {
    const nonce = now() + 50n;
    const statuses = [];
    for (const uuid of ['low', 'high', 'low'])
      statuses.push((await sendTo(scene, signed({ uuid, nonce }))).status);
    expect(statuses).toEqual([200, 200, 401]);
  });
});

describe('what a client needs of an answer', () => {
  const answer = async (gzip = true) => {
    const request = simulationRequest(
      { ...dendrite, uuid: `a${now()}` },
      scene.axon,
      { ...PROMPT, num_simulations: 200 },
      60,
    );
    const reply = await sendTo(
      scene,
      gzip ? request : withHeaders(request, { 'Accept-Encoding': 'identity' }),
    );
    return { reply, body: JSON.parse(reply.body) };
  };

  it('is status 200 exactly, with simulation_output, and axon.status_code 200 in body and header', async () => {
    const { reply, body } = await answer();
    expect(reply.status).toBe(200);
    expect(body.simulation_output).toHaveLength(202);
    expect(body.axon.status_code).toBe(200);
    expect(reply.headers['bt_header_axon_status_code']).toBe('200');
  });

  it('is the prompt echoed, never missing or null', async () => {
    expect((await answer()).body.simulation_input).toEqual({ ...PROMPT, num_simulations: 200 });
  });

  it('is no axon or dendrite of null', async () => {
    const { body } = await answer();
    for (const terminal of [body.axon, body.dendrite]) expect(terminal).toEqual(expect.any(Object));
  });

  it('is that every bt header and the timeout can be parsed', async () => {
    const { headers } = (await answer()).reply;
    for (const name of ['timeout', 'header_size', 'total_size', 'bt_header_axon_process_time'])
      expect(headers[name]).toMatch(/^\d+(\.\d+)?(e-\d+)?$/);
    for (const name of Object.keys(headers).filter((one) => /_(port|version|nonce|status_code)$/.test(one)))
      expect(headers[name]).toMatch(/^\d+$/);
  });

  it.each([true, false])('is JSON by its type, of the length that is announced (gzip: %s)', async (gzip) => {
    const { reply } = await answer(gzip);
    expect(reply.headers['content-type']).toBe('application/json');
    expect(Number(reply.headers['content-length'])).toBe(reply.bytes);
    expect(reply.headers['content-encoding']).toBe(gzip ? 'gzip' : undefined);
    expect(Number(reply.headers['total_size'])).toBe(Buffer.byteLength(reply.body));
  });

  it('is a start and an increment of int, and prices of number', async () => {
    const { body } = await answer();
    const [start, increment, ...paths] = body.simulation_output;
    expect([start, increment]).toEqual([1768478520, 60]);
    expect(paths.flat().every((price: unknown) => typeof price === 'number' && price > 0)).toBe(true);
  });
});
