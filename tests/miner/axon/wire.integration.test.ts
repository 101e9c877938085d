// The miner with its axon: a signed prompt of now is answered from the market's present and recorded there, and what a
// hostile caller plays ends as it should.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MinerProcess } from '../../../miner/context.js';
import { openMiner } from '../../../miner/serving/main.js';
import { formatStart, type Prompt, promptStart } from '../../../miner/sn50/prompt.js';
import { type AxonAddress, exchange, pingRequest, simulationRequest } from '../../../miner/validator/wire.js';
import { hostilePlays } from '../../../miner/validator/wire-hostile.js';
import { wireVerdict } from '../../../miner/validator/wire-verdict.js';
import { loadHotkey } from '../../../miner/wallet/hotkey.js';
import { freePorts } from '../../ports.js';
import { foundSlots } from '../reign.js';
import { NOW_S, openWorld, type World } from '../world.js';
import { alice, dendrite } from './scene.js';

let world: World;
let miner: MinerProcess;
let axon: AxonAddress;

beforeAll(async () => {
  world = await openWorld('wire', { past: 4, slots: ['24h/BTC'] });
  await foundSlots(await world.agent('publisher'));
  const file = join(world.directory, 'hotkey');
  writeFileSync(file, JSON.stringify({ secretSeed: `0x${'0b'.repeat(32)}` }), { mode: 0o600 });
  chmodSync(file, 0o600);
  const [loopback = 0, port = 0] = await freePorts(2);
  miner = await openMiner(await world.agent('miner'), loopback, { hotkey: file, port, allow: [alice.ss58] });
  axon = { host: '127.0.0.1', port, hotkey: (await loadHotkey(file)).signer.ss58 };
});
afterAll(async () => {
  await miner.close();
  await world.close();
});

const prompt = (): Prompt => ({
  asset: 'BTC',
  start_time: formatStart(promptStart(Date.now() / 1000)),
  time_increment: 300,
  time_length: 86_400,
  num_simulations: 50,
});

describe('a miner with an axon', () => {
  it('answers a signed prompt of now with the market’s present, and records it there', async () => {
    const asked = prompt();
    const reply = await exchange(axon, simulationRequest(dendrite, axon, asked, 60), 60_000);
    expect(wireVerdict(reply, asked, 'digits8')).toBe('CORRECT');
    const { rows } = await world.admin.query(
      `select p.validator, extract(epoch from p.start_at)::float8 as start_s, a.status
       from board.answer a join board.prompt p on p.id = a.prompt_id`,
    );
    expect(rows).toEqual([{ validator: alice.ss58, status: 'answered', start_s: expect.any(Number) }]);
    // One to two minutes after the market's own clock, which this world holds.
    expect(rows[0].start_s - NOW_S).toBeGreaterThanOrEqual(60);
    expect(rows[0].start_s - NOW_S).toBeLessThanOrEqual(180);
  });

  it.each([
    ['begins an hour ago', () => ({ start_time: formatStart(Math.floor(Date.now() / 60_000) * 60 - 3600) })],
    ['begins in 2099', () => ({ start_time: '2099-01-01T00:00:00+00:00' })],
    ['begins before there was time', () => ({ start_time: '0001-01-01T00:00:00+00:00' })],
    ['asks for steps that no model has', () => ({ time_increment: 7 })],
    ['asks for an asset that is not served', () => ({ asset: 'DOGE' })],
  ])('refuses a prompt that %s, and keeps the reason to its log', async (_, change) => {
    const reply = await exchange(
      axon,
      simulationRequest(dendrite, axon, { ...prompt(), ...change() }, 60),
      60_000,
    );
    expect(reply?.status).toBe(500);
    expect(reply?.body).toMatch(/^{"message":"Internal Server Error #[0-9a-f-]{36}"}$/);
  });

  it('withstands what a hostile caller plays', { timeout: 180_000 }, async () => {
    for (const { name, sound, run } of hostilePlays(dendrite, axon, prompt()))
      expect([name, sound]).toEqual([name, expect.arrayContaining([await run()])]);
    expect((await exchange(axon, pingRequest(dendrite, axon, 12), 12_000))?.status).toBe(200);
  });
});

describe('a verdict', () => {
  const good = {
    status: 200,
    headers: { timeout: '12.0' },
    body: '{"simulation_input":{},"simulation_output":[]}',
    bytes: 1,
    received_s: 1,
    process_time: 1,
  };
  const lost = 'time out or internal server error (process time is None)';

  it.each([
    ['no reply', null, lost],
    ['a refusal', { ...good, status: 401 }, lost],
    ['a header that is no number', { ...good, headers: { timeout: '5s' } }, lost],
    ['no JSON', { ...good, body: '{' }, lost],
    ['no echo', { ...good, body: '{"simulation_output":[]}' }, lost],
    ['an empty answer', good, 'Response is empty'],
  ])('on %s is the validator’s', (_, reply, text) => {
    expect(wireVerdict(reply, prompt(), 'digits8')).toBe(text);
  });
});
