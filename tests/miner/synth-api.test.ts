// The public scores: the request and the answer of their contract, the place in the field, and when a slot is behind.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PublicScore, SynthApi } from '../../miner/synth-api/client.js';
import { behind, Lag, standingOf } from '../../miner/synth-api/standing.js';
import { world } from './prices/exchange.js';

const score = (miner_uid: number, crps: number, change: Partial<PublicScore> = {}): PublicScore => ({
  asset: 'BTC',
  miner_uid,
  crps,
  prompt_score: Math.max(0, crps - 100),
  scored_time: '2026-03-25T12:00:00Z',
  time_length: 86_400,
  ...change,
});

describe('the public API', () => {
  let url = '';
  let answer: unknown = [];
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  beforeEach(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const latest = () =>
    new SynthApi(url, world(1_774_000_000)).latest({ asset: 'BTC', length_s: 86_400, increment_s: 300 });

  it('is asked for one competition, and nothing of another one is taken', async () => {
    answer = [score(1, 100), score(2, 90, { asset: 'ETH' }), score(3, 90, { time_length: 3600 })];
    expect((await latest()).map(({ miner_uid }) => miner_uid)).toEqual([1]);
    expect(asked).toEqual(['/validation/scores/latest?asset=BTC&time_length=86400&time_increment=300']);
  });

  it.each([
    ['a CRPS that is text', [{ ...score(1, 1), crps: '1' }]],
    ['a time that is none', [score(1, 1, { scored_time: 'soon' })]],
    ['no list', { detail: 'nothing' }],
  ])('is not believed with %s', async (_, wrong) => {
    answer = wrong;
    await expect(latest()).rejects.toMatchObject({ code: 'SWARM_E_SOURCE_RESPONSE' });
  });
});

describe('a place in the field', () => {
  it('is counted among all, the invalid last, against the median of the valid', () => {
    const field = [score(1, 120), score(2, 100), score(3, 110), score(4, -1), score(5, 130)];
    expect(standingOf(field, 1)).toMatchObject({ rank: 3, miners: 5, median_crps: 115, best_crps: 100 });
    expect(standingOf(field, 4)).toMatchObject({ rank: 5, crps: -1 });
    expect(standingOf(field, 9)).toBeNull();
    expect(standingOf([], 1)).toBeNull();
  });

  it('is that of the newest prompt', () => {
    const older = score(1, 50, { scored_time: '2026-03-25T11:00:00Z' });
    expect(standingOf([older, score(1, 120), score(2, 100)], 1)).toMatchObject({ crps: 120, miners: 2 });
  });
});

describe('a slot', () => {
  const at = (hour: number, crps: number) => ({
    scored_at: new Date(Date.UTC(2026, 2, 25, hour)),
    crps,
    median_crps: 100,
  });

  it('is behind after hours, once, and has caught up once', () => {
    const lag = new Lag('24h/BTC');
    const said = [112, 112, 112, 112, 112, 112, 112, 90, 90, 90].map((crps, hour) => lag.add(at(hour, crps)));
    expect(said.filter(Boolean)).toEqual([
      '24h/BTC 12% behind the field for 5 h',
      '24h/BTC has caught up with the field',
    ]);
  });

  it('says nothing for a bad hour, or for one prompt that is seen again and again', () => {
    const lag = new Lag('24h/BTC');
    expect([lag.add(at(0, 500)), lag.add(at(0, 500)), lag.add(at(1, 500))]).toEqual([null, null, null]);
    const steady = new Lag('24h/BTC');
    expect([0, 1, 2, 3, 4, 5, 6].map((hour) => steady.add(at(hour, 105)))).toEqual(Array(7).fill(null));
  });

  it('counts an invalid answer as twice the median', () => {
    expect(behind({ crps: -1, median_crps: 100 })).toBe(1);
  });
});
