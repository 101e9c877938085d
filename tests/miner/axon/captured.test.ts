// Exchanges captured between the real client and server: ours answers, and asks, as they do.
import { describe, expect, it } from 'vitest';
import { simulationRequest, type WireRequest } from '../../../miner/validator/wire.js';
import { capture, captures, hasCaptures, headerOf } from './captures.js';
import { bob, dendrite, openScene, PROMPT, sendTo } from './scene.js';

const S = 1_000_000_000n;

describe.skipIf(!hasCaptures)('captured exchanges', () => {
  it.each(captures)('%s is answered with the captured keys and headers', async (name) => {
    const request = capture(`${name}.request`);
    const wanted = capture(`${name}.response`);
    const one = await openScene({ now_ns: () => BigInt(headerOf(request, 'bt_header_dendrite_nonce')) + S });
    const own = new Set(['host', 'content-length', 'accept-encoding']);
    const reply = await sendTo(one, {
      method: 'POST',
      path: request.line.split(' ')[1]!,
      headers: request.headers.filter(([header]) => !own.has(header.toLowerCase())),
      body: request.body,
    });
    await one.close();
    const timed = (text: string): string => text.replace(/"process_time":[\d.e-]+/, '"process_time":0');
    expect(reply.status).toBe(200);
    expect(timed(reply.body)).toBe(timed(wanted.body));
    const varying = new Set([
      'date',
      'server',
      'content-length',
      'bt_header_axon_process_time',
      'header_size',
      'total_size',
    ]);
    for (const [header, value] of wanted.headers)
      if (!varying.has(header)) expect([header, reply.headers[header]]).toEqual([header, value]);
    for (const header of ['bt_header_axon_process_time', 'header_size', 'total_size'])
      expect(Number.isFinite(Number(reply.headers[header]))).toBe(true);
  });

  it('the captured replay is refused with the captured words and header names', async () => {
    const request = capture('synth-validator-replay-401.request');
    const wanted = capture('synth-validator-replay-401.response');
    const one = await openScene({ now_ns: () => BigInt(headerOf(request, 'bt_header_dendrite_nonce')) + S });
    const sent: WireRequest = {
      method: 'POST',
      path: '/Simulation',
      headers: request.headers.filter(([header]) => !/^(host|content-length)$/i.test(header)),
      body: request.body,
    };
    expect((await sendTo(one, sent)).status).toBe(200);
    const reply = await sendTo(one, sent);
    await one.close();
    expect([reply.status, reply.body]).toEqual([401, wanted.body]);
    expect(Object.keys(reply.headers)).toEqual(
      expect.arrayContaining(
        wanted.headers.map(([header]) => header).filter((header) => header !== 'server'),
      ),
    );
  });

  it('our own validator sends what Synth’s sends, but for the signature', () => {
    const captured = capture('synth-validator-Simulation.request');
    const ours = simulationRequest(
      dendrite,
      { host: '127.0.0.1', port: 18092, hotkey: bob.ss58 },
      PROMPT,
      61.25,
      headerOf(captured, 'bt_header_dendrite_nonce'),
    );
    const comparable = (headers: WireRequest['headers']) =>
      headers.filter(([name]) => !/^(host|content-length|bt_header_dendrite_signature)$/i.test(name));
    expect(comparable(ours.headers)).toEqual(comparable(captured.headers));
    expect(ours.body).toBe(captured.body);
  });
});
