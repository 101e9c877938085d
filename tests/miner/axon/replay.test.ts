// Requests that come twice: at once, and across a restart of the axon; and signatures that come in floods.
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Signatures } from '../../../miner/axon/signatures.js';
import { NoTurn } from '../../../miner/axon/turns.js';
import { exchange } from '../../../miner/validator/wire.js';
import { alice, asked, messageOf, openScene, sendTo } from './scene.js';

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

it('verifies for one address what another one’s flood of forgeries would hold up', async () => {
  const signatures = new Signatures();
  const forged = `0x${'00'.repeat(63)}80`;
  let done = 0;
  const flood = Array.from({ length: 200 }, () =>
    signatures.verify('192.0.2.1', 'text', forged, alice.publicKey).then(
      (valid) => {
        done += 1;
        return valid;
      },
      (error) => error instanceof NoTurn,
    ),
  );
  const honest = await signatures.verify('192.0.2.2', 'text', alice.sign('text'), alice.publicKey);
  const before = done;
  const settled = await Promise.all(flood);
  await signatures.close();
  // Two were on their way before it; of the rest, as many as may wait were verified, and found false.
  expect([honest, before <= 2, done]).toEqual([true, true, 65]);
  expect(settled.filter((turnedAway) => turnedAway)).toHaveLength(135);
});
