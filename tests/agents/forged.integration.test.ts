// Readers who act on a record ask for its signature first: what its author did not sign moves no gate and serves no prompt.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admit } from '../../agents/publisher/admit.js';
import type { AgentContext } from '../../agents/runtime/context.js';
import { assertAuthentic } from '../../blackboard/identity/authentic.js';
import { openOwnerKey } from '../../blackboard/identity/owner.js';
import { rotate } from '../../blackboard/identity/rotate.js';
import { newKeyPair } from '../../blackboard/keys.js';
import type { Lease } from '../../blackboard/lease.js';
import { signRecord } from '../../blackboard/signed.js';
import { Champions } from '../../miner/serving/champions.js';
import { type Board, homeOf, insert, openBoard } from '../blackboard/board.js';
import { claim, claimOf, experiment } from '../blackboard/records.js';
import { crown, foundSlots, storeModel } from '../miner/reign.js';
import { openWorld, type World } from '../miner/world.js';
import { type Ground, openGround } from '../trust/ground.js';
import { History, SLOT } from '../trust/history.js';

describe('the signature of a record', () => {
  let board: Board;
  beforeAll(async () => {
    board = await openBoard('authentic');
  });
  afterAll(() => board.close());

  it("is its author's at the time of writing: before and after a rotation, and no other's", async () => {
    const explorer = await board.enrol('explorer', 'e1', 'alice');
    const reader = await board.enrol('checker', 'c1');
    const read = async (id: string) =>
      reader.db.selectFrom('board.claim').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
    const before = await claim(explorer, 1);
    await assertAuthentic(reader.db, 'claim', await read(before.id));
    const forged = claimOf(explorer, 2, await experiment(explorer, 2));
    const signature = signRecord('claim', forged, newKeyPair().privateKey);
    await insert(explorer.client, 'board.claim', { ...forged, signature });
    await expect(assertAuthentic(reader.db, 'claim', await read(forged.id))).rejects.toMatchObject({
      code: 'SWARM_E_SIGNATURE',
    });
    await rotate(
      board.admin,
      `${homeOf(board.directory).agents}/e1.json`,
      openOwnerKey(homeOf(board.directory).owners, 'alice'),
    );
    await assertAuthentic(reader.db, 'claim', await read(before.id));
    // The old key under the new login: what a thief of the old file would sign with.
    const again = await board.enrol('explorer', 'e1', 'alice');
    const late = claimOf({ ...again, who: explorer.who }, 3, await experiment(again, 3));
    await insert(again.client, 'board.claim', late);
    await expect(assertAuthentic(reader.db, 'claim', await read(late.id))).rejects.toMatchObject({
      code: 'SWARM_E_SIGNATURE',
    });
  });
});

describe('a publisher', () => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await openGround('forged verdicts');
  });
  afterAll(() => ground.close());

  it('admits no candidate that rests on records nobody signed, and tells of it once', async () => {
    const h = new History();
    h.promotion(h.agent('publisher-owner', 'publisher'));
    const judges = [1, 2, 3].map((i) => h.agent(`check-${i}`, 'checker'));
    const author = h.agent('alice', 'explorer');
    for (let i = 0; i < 10; i++)
      h.verdict(judges[0]!, h.claim(author, { slot: 'crypto_24h/ETH' }), { champion_t: -1 });
    const candidate = h.claim(author);
    for (const judge of judges) h.verdict(judge, candidate, { champion_t: 5 });
    await h.write(ground.admin);
    expect(
      await ground.rows('select claim_id from trust.screen where passed and slot = $1', [SLOT]),
    ).toHaveLength(1);
    const { db } = await ground.enrol('publisher', 'p1');
    const alerts: string[] = [];
    const context = {
      db,
      constants: ground.constant,
      alert: async (_: string, code: string) => void alerts.push(code),
    } as unknown as AgentContext;
    expect(await admit(context, SLOT, {} as Lease)).toBe(false);
    expect(await admit(context, SLOT, {} as Lease)).toBe(false);
    expect(alerts).toEqual(['SWARM_E_OWNER_KEY']);
  });
});

describe('the miner', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld('forged promotion', { past: 3, slots: ['24h/BTC'] });
  });
  afterAll(() => world.close());

  it('serves no reign whose publisher did not sign it, and says so once', async () => {
    const publisher = await world.agent('publisher');
    const miner = await world.agent('miner');
    await foundSlots(publisher);
    const thief = {
      ...publisher,
      sign: (kind: 'promotion', row: object) => signRecord(kind, row, newKeyPair().privateKey),
    };
    await crown(thief as AgentContext, '24h/BTC', await storeModel(publisher, 'BTC'), []);
    const pool = { load: async () => ({ family: 'any' }), rest: async () => undefined };
    const champions = new Champions(miner as never, pool as never, { replay: async () => 1 } as never);
    await champions.refresh();
    await champions.refresh();
    expect(champions.of('24h/BTC').map(({ rank, reign }) => ({ rank, reign }))).toEqual([
      { rank: 'champion', reign: 0 },
    ]);
    const { rows } = await world.admin.query('select code, message from board.alert');
    expect(rows).toEqual([
      { code: 'SWARM_E_SIGNATURE', message: expect.stringContaining('24h/BTC reign 1') },
    ]);
  });
});
