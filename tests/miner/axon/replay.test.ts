// Requests that come twice: at once, and across a restart of the axon.
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exchange } from '../../../miner/validator/wire.js';
import { asked, messageOf, openScene, sendTo } from './scene.js';

const S = 1_000_000_000n;
const NOW = 1_768_478_460n * S;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'swarm-nonces-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** An axon that starts at `now_ns` and whose clock then stands still. */
const started = (now_ns: bigint) =>
  openScene({ now_ns: () => now_ns, since_ns: now_ns, nonces: join(directory, 'nonces') });

it('answers one of many copies that are verified at the same time', async () => {
  const scene = await openScene();
  const request = asked(scene.axon);
  const replies = await Promise.all(Array.from({ length: 6 }, () => exchange(scene.axon, request, 20_000)));
  await scene.close();
  expect(replies.map((reply) => reply?.status).sort()).toEqual([200, 401, 401, 401, 401, 401]);
});

it('refuses after a restart what was sent before it, however fresh', async () => {
  const scene = await started(NOW);
  const reply = await sendTo(scene, asked(scene.axon, {}, 60, String(NOW - S)));
  await scene.close();
  expect([reply.status, messageOf(reply)]).toEqual([
    401,
    'Not Verified with error: Nonce is too old, it is from before this axon started',
  ]);
});

it('refuses after a restart what was used ahead of the clock, and answers what is newer', async () => {
  const ahead = String(NOW + 30n * S);
  const before = await started(NOW);
  expect((await sendTo(before, asked(before.axon, {}, 60, ahead))).status).toBe(200);
  await before.close();
  appendFileSync(join(directory, 'nonces'), '17684784');
  const after = await started(NOW + 10n * S);
  const replayed = await sendTo(after, asked(after.axon, {}, 60, ahead));
  const next = await sendTo(after, asked(after.axon, {}, 60, String(NOW + 31n * S)));
  await after.close();
  expect([replayed.status, messageOf(replayed), next.status]).toEqual([
    401,
    'Not Verified with error: Nonce is too old, a newer one was last processed',
    200,
  ]);
  expect(readFileSync(join(directory, 'nonces'), 'utf8').trim().split('\n')).toHaveLength(2);
});
