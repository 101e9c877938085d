// `swarm promote` and `swarm rollback`: refused without --force, and with it one signed row that everybody sees.
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { uuid7 } from '../../blackboard/ids.js';
import { takeLease } from '../../blackboard/lease.js';
import { assertSigned, signRecord } from '../../blackboard/signed.js';
import { auditDatabase } from '../../trust/audit/audit.js';
import type { Finding } from '../../trust/audit/finding.js';
import { type Enrolled, homeOf, insert } from '../blackboard/board.js';
import { type Ground, openGround } from '../trust/ground.js';
import { daysAgo, digest, forget, History, SLOT } from '../trust/history.js';
import { type Ran, swarm } from './run.js';

let ground: Ground;
let publisher: Enrolled;
let h: History;
beforeAll(async () => {
  ground = await openGround('override command');
});
afterAll(() => ground.close());
beforeEach(async () => {
  await ground.admin.query(
    'set session_replication_role = replica; delete from board.alert; delete from board.lease; reset session_replication_role',
  );
  await forget(ground.admin);
  publisher = await ground.enrol('publisher', `publisher-${n++}`, 'house');
  h = new History();
  const [author, checker, founder] = [
    h.agent('alice', 'explorer'),
    h.agent('carol', 'checker'),
    h.agent('founder', 'publisher'),
  ];
  h.promotion(founder);
  h.promotion(founder, { kind: 'promote', reign: 1, artifact: digest('one'), market_at: daysAgo(1) });
  h.verdict(checker, h.claim(author));
  h.verdict(checker, h.claim(author), { finding: 'refused' });
  h.claim(author);
  await h.write(ground.admin);
});
let n = 0;
const [SCORED, REFUSED, UNSEEN] = [digest('a0'), digest('a1'), digest('a2')];

const run = (command: 'promote' | 'rollback', ...args: string[]): Promise<Ran> =>
  swarm(
    ground.url,
    command,
    SLOT,
    '--agent-file',
    join(homeOf(ground.directory).agents, `${publisher.who.name}.json`),
    ...args,
  );
const force = (...args: string[]): string[] => [...args, '--force', '--reason', 'the feed was broken'];
const champion = async () =>
  (await ground.rows<Record<string, unknown>>('select * from trust.champion where slot = $1', [SLOT]))[0]!;

describe('an override', () => {
  it('is refused without --force, with what the gate says, and changes nothing', async () => {
    const told = await run('promote', '--artifact', SCORED);
    expect(told).toMatchObject({ code: 2, out: '' });
    expect(told.err).toContain('has not been through the gate');
    expect(told.err).toContain('--force --reason TEXT');
    expect((await run('rollback')).code).toBe(2);
    expect((await run('promote', '--artifact', SCORED, '--force')).err).toContain('without a reason');
    expect(await champion()).toMatchObject({ reign: 1, kind: 'promote' });
  });

  it('puts a checked model on the throne in a row that its publisher signed with the reason', async () => {
    const told = await run('promote', ...force('--artifact', SCORED));
    expect(told).toMatchObject({ code: 0, err: '' });
    expect(await champion()).toMatchObject({
      reign: 2,
      kind: 'override',
      artifact: SCORED,
      previous: digest('one'),
    });
    const [row] = await ground.rows<{ id: string; signature: string; reason: string }>(
      `select * from board.promotion where kind = 'override'`,
    );
    assertSigned('promotion', row!, publisher.who.publicKey);
    const altered = { ...row!, reason: 'another' };
    expect(() => assertSigned('promotion', altered, publisher.who.publicKey)).toThrowError(
      expect.objectContaining({ code: 'SWARM_E_SIGNATURE' }),
    );
    expect(await ground.rows('select slot, reign, reason, owner from fleet.overrides')).toEqual([
      { slot: SLOT, reign: 2, reason: 'the feed was broken', owner: 'house' },
    ]);
    expect(await ground.rows(`select severity, code from board.alert`)).toEqual([
      { severity: 'warning', code: 'SWARM_W_OVERRIDE' },
    ]);
  });

  it('brings the champion before back', async () => {
    await run('promote', ...force('--artifact', SCORED));
    expect(await run('rollback', ...force())).toMatchObject({ code: 0 });
    expect(await champion()).toMatchObject({ reign: 3, kind: 'override', artifact: digest('one') });
  });

  it('crowns nobody whom no checker vouches for, however forced', async () => {
    for (const artifact of [REFUSED, UNSEEN]) {
      const told = await run('promote', ...force('--artifact', artifact));
      expect(told).toMatchObject({ code: 1, err: expect.stringContaining('no checker vouches for it') });
    }
    expect(await run('promote', ...force('--artifact', digest('nobody')))).toMatchObject({ code: 2 });
    expect(await run('promote', ...force('--artifact', digest('one')))).toMatchObject({ code: 2 });
    expect(await champion()).toMatchObject({ reign: 1 });
  });

  it('earns its publisher no trust, and takes none from the promotion that it ends', async () => {
    const events = () =>
      ground.rows(`select owner, events::int from trust.owner where kind = 'promotions' order by owner`);
    const before = await events();
    await run('promote', ...force('--artifact', SCORED));
    await ground.setClock({ market_at: '2025-07-01T00:00:00Z', speed: 0 });
    expect(await events()).toEqual(before);
    await ground.setClock({ market_at: '2025-06-01T12:00:00Z', speed: 0 });
  });

  it('is counted by the audit, which finds nothing wrong with it', async () => {
    await run('promote', ...force('--artifact', SCORED));
    const found: Finding[] = [];
    const { checked } = await auditDatabase(ground.admin, null, (f) => found.push(f));
    const [row] = await ground.rows<{ id: string }>(`select id from board.promotion where kind = 'override'`);
    expect(checked['override']).toBe(1);
    expect(found.filter((f) => f.id === row!.id)).toEqual([]);
    await ground.admin.query('set session_replication_role = replica');
    await ground.admin.query(`update board.promotion set reason = 'nothing to see' where kind = 'override'`);
    await ground.admin.query('reset session_replication_role');
    found.length = 0;
    await auditDatabase(ground.admin, null, (f) => found.push(f));
    expect(found.filter((f) => f.id === row!.id)).toMatchObject([{ kind: 'promotion' }]);
  });

  describe('as the tables take it', () => {
    const write = async (change: Record<string, unknown>, work_id = `override:${SLOT}:2`): Promise<void> => {
      const lease = (await takeLease(publisher.db, work_id))!;
      try {
        const row = {
          id: uuid7(),
          agent_id: publisher.who.id,
          kind: 'override',
          slot: SLOT,
          reign: 2,
          artifact: SCORED,
          family: 'f',
          previous: digest('one'),
          reason: 'why not',
          ...change,
        };
        const signature = signRecord('promotion', row, publisher.who.privateKey);
        await insert(publisher.client, 'board.promotion', { ...row, signature, work_id, fence: lease.fence });
      } finally {
        await lease.giveBack();
      }
    };

    it('follows the champion that reigns, under a lease of its own', async () => {
      await expect(write({ previous: digest('champion') })).rejects.toMatchObject({ code: 'SW018' });
      await expect(write({ reign: 3 }, `override:${SLOT}:3`)).rejects.toMatchObject({ code: 'SW018' });
      await expect(write({}, `gate:${SLOT}`)).rejects.toMatchObject({ code: 'SW018' });
      await expect(write({ artifact: digest('one') })).rejects.toMatchObject({ code: 'SW018' });
    });

    it('has a reason and no evidence, and nothing else has a reason', async () => {
      await expect(write({ reason: null })).rejects.toMatchObject({ code: '23514' });
      await expect(write({ reason: '  ' })).rejects.toMatchObject({ code: '23514' });
      await expect(write({ e_value: 50, threshold: 20, windows: 60 })).rejects.toMatchObject({
        code: '23514',
      });
      await ground.admin.query('alter table board.promotion enable trigger gate');
      await expect(write({ kind: 'promote', reason: null })).rejects.toMatchObject({ code: 'SW013' });
      await ground.admin.query('alter table board.promotion disable trigger gate');
      await expect(write({ kind: 'promote' })).rejects.toMatchObject({ code: '23514' });
      await write({});
    });
  });
});
