// Requests that cannot be read, forecasts that fail, and what the log says of them.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AxonOptions } from '../../../miner/axon/server.js';
import { nonceNow, type WireReply, withHeaders } from '../../../miner/validator/wire.js';
import { asked, bob, dendrite, flat, messageOf, openScene, type Scene, sendTo } from './scene.js';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene.close());

describe('a request that cannot be read', () => {
  const number = /^Internal Server Error #[0-9a-f-]{36}$/;

  it.each([
    ['a nonce that is no number', { bt_header_dendrite_nonce: '12x' }],
    ['a timeout that is no number', { timeout: 'soon' }],
    ['a timeout that is not finite', { timeout: 'nan' }],
    ['no input object', { bt_header_input_obj_simulation_input: null }],
    ['an input object that is no JSON', { bt_header_input_obj_simulation_input: 'e3' }],
    ['a uuid without end', { bt_header_dendrite_uuid: 'u'.repeat(5000) }],
  ])('%s is a 500 before anybody is asked who it is', async (_, change) => {
    const reply = await sendTo(scene, withHeaders(asked(scene.axon), change));
    expect([reply.status, messageOf(reply)]).toEqual([500, expect.stringMatching(number)]);
  });

  it.each([
    ['empty', ''],
    ['no object', '[]'],
    ['null', 'null'],
    ['without a prompt', '{"name":"Simulation"}'],
    ['a prompt of null', '{"simulation_input":null}'],
    ['an axon that is a list', '{"axon":[],"simulation_input":{}}'],
    ['10^6 simulations', { num_simulations: 1_000_000 }],
    ['no simulations', { num_simulations: 0 }],
    ['an increment of nothing', { time_increment: 0 }],
    ['a thousand years', { time_length: 31_536_000_000 }],
    ['an asset in another script', { asset: 'ビットコイン' }],
    ['an asset with a line break', { asset: 'BTC\r\nx: y' }],
    ['a start that is no time', { start_time: 'now' }],
  ])('a body that is %s is a 500', async (_, given) => {
    const request =
      typeof given === 'string' ? { ...asked(scene.axon), body: given } : asked(scene.axon, given);
    const reply = await sendTo(scene, request);
    expect([reply.status, messageOf(reply)]).toEqual([500, expect.stringMatching(number)]);
    expect(reply.headers).toMatchObject({ bt_header_axon_status_code: '500' });
  });

  it.each([
    ['cut short', '{'],
    ['plain text', 'hello'],
    ['followed by more', '{"a":1}x'],
    ['nested without end', '['.repeat(30_000)],
    ['broken gzip', '\u001f\u008b\b\u0000'],
  ])('a body that is no JSON is a 422: %s', async (_, body) => {
    const reply = await sendTo(scene, { ...asked(scene.axon), body });
    expect([reply.status, JSON.parse(reply.body)]).toEqual([
      422,
      { detail: [expect.objectContaining({ type: 'json_invalid' })] },
    ]);
  });

  it('a hash that was signed but is not the body’s is a 500', async () => {
    const { signer } = dendrite;
    const nonce = nonceNow();
    const message = `${nonce}.${signer.ss58}.${bob.ss58}.${dendrite.uuid}.ffff`;
    const reply = await sendTo(
      scene,
      withHeaders(asked(scene.axon, {}, 61.25, nonce), {
        computed_body_hash: 'ffff',
        bt_header_dendrite_signature: signer.sign(message),
      }),
    );
    expect(reply.status).toBe(500);
  });
});

describe('a forecast that fails', () => {
  const failing = async (options: Partial<AxonOptions>, timeout_s = 61.25): Promise<WireReply> => {
    const one = await openScene(options);
    const reply = await sendTo(one, asked(one.axon, {}, timeout_s));
    expect(one.lines).toHaveLength(1);
    await one.close();
    return reply;
  };

  it('is a 500 that keeps its reason to the log', async () => {
    const reply = await failing({ forward: () => Promise.reject(new Error('password of the database')) });
    expect(reply.status).toBe(500);
    expect(JSON.stringify(reply)).not.toContain('password');
  });

  it('is a 408 once its time is over', async () => {
    const reply = await failing({ forward: () => new Promise(() => undefined) }, 0.2);
    expect([reply.status, messageOf(reply)]).toEqual([408, 'Response timeout after: 0.2s']);
  });
});

describe('the log', () => {
  it('has one line for each request, and no line break of a caller’s in it', async () => {
    const one = await openScene({ forward: flat });
    await sendTo(one, asked(one.axon));
    await sendTo(one, { ...asked(one.axon), path: '/a%0d%0ab' });
    await sendTo(one, withHeaders(asked(one.axon), { bt_header_dendrite_hotkey: 'x' }));
    await one.close();
    expect(one.lines.map((line) => line['status'])).toEqual([200, 404, 403]);
  });
});
