// The artifact store fails: it may not be written, a file is cut short or a bit is flipped, a bucket is away. Nothing is claimed that is
// not stored, nothing damaged is believed, and the work goes on when the store is back.
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import { directoryStore } from '../../blackboard/artifacts/directory.js';
import { openArtifactStore } from '../../blackboard/artifacts/open.js';
import { auditDatabase } from '../../trust/audit/audit.js';
import type { Finding } from '../../trust/audit/finding.js';
import { cheapSpec, claim } from '../agents/claims.js';
import { type S3Server, startS3 } from '../blackboard/artifacts/server.js';
import { type Door, openDoor } from '../miner/proxy.js';
import { foundSlots } from '../miner/reign.js';
import { count, NOW_S, openWorld, type World } from '../miner/world.js';
import { mountSmall } from './own-postgres.js';
import { Role } from './role.js';
import { sound, sweep, termsOver } from './sound.js';

const SLOT = '1h/BTC';
const patient = { timeout: 400_000, interval: 100 };
const args = ['--overclaim', '0.0001'];
const small = mountSmall(16);
let world: World;
let author: AgentContext;

beforeAll(async () => {
  world = await openWorld('store faults', { past: 95, slots: [SLOT] });
  await foundSlots(await world.agent('publisher'));
  author = await world.agent('explorer');
  await world.agent('checker');
});
afterAll(async () => {
  await world.close();
  small?.unmount();
});

const rows = (kind: string): Promise<number> => count(world, `select count(*) as n from board.${kind}`);
const failed = (code: string): Promise<number> =>
  count(world, `select count(*) as n from board.attempt where stage = 'artifact' and code = $1`, [code]);

describe('a directory', () => {
  it.each<[string, (path: string) => void]>([
    ['a file that is cut short', (path) => truncateSync(path, 100)],
    [
      'a flipped bit',
      (path) => {
        const bytes = readFileSync(path);
        bytes[bytes.length >> 1]! ^= 1;
        writeFileSync(path, bytes);
      },
    ],
  ])(
    'with %s: the claim is refused, the audit names it, and the right bytes put it right',
    async (what, spoil) => {
      const { id, artifact } = await claim(author, SLOT, NOW_S, cheapSpec(what.length / 100 + 0.7));
      const path = join(world.directory, 'artifacts', artifact.slice(0, 2), artifact);
      const bytes = readFileSync(path);
      spoil(path);
      await sweep(world, 'checker');
      const { rows: found } = await world.admin.query(
        'select finding, reason from board.verdict where claim_id = $1',
        [id],
      );
      expect(found).toMatchObject([
        { finding: 'refused', reason: expect.stringContaining('SWARM_E_ARTIFACT_DIGEST') },
      ]);
      const findings: Finding[] = [];
      const store = directoryStore(join(world.directory, 'artifacts'));
      await auditDatabase(world.admin, store, (one) => findings.push(one));
      expect(findings.filter(({ kind }) => kind === 'artifact').map(({ id: which }) => which)).toEqual([
        artifact,
      ]);
      // Putting the same bytes replaces what is damaged.
      expect(await store.put(bytes)).toBe(artifact);
      expect(readFileSync(path).equals(bytes)).toBe(true);
    },
  );

  it.skipIf(small === null)(
    'that may not be written delays the claim (needs a mount of its own)',
    async () => {
      small!.remount('ro');
      const before = await rows('claim');
      const explorer = new Role(world, 'explorer', {
        artifacts: small!.directory,
        args: [...args, '--once'],
      });
      await expect.poll(() => failed('SWARM_E_STORE_REFUSED'), patient).toBeGreaterThan(0);
      expect(await rows('claim')).toBe(before);
      small!.remount('rw');
      expect((await explorer.ended).code).toBe(0);
      expect(await rows('claim')).toBe(before + 1);
      await sound(world, null);
    },
  );
});

describe('a bucket that is away', () => {
  let s3: S3Server;
  let door: Door;
  let env: Record<string, string | undefined>;
  beforeAll(async () => {
    s3 = await startS3();
    door = await openDoor('127.0.0.1', Number(new URL(s3.env['SWARM_S3_ENDPOINT']!).port));
    env = { ...s3.env, SWARM_S3_ENDPOINT: `http://127.0.0.1:${door.port}`, SWARM_S3_DEADLINE_S: '1' };
  });
  afterAll(async () => {
    await door.shut();
    await s3.close();
  });

  it('delays the claim of whoever lives through it, costs the fit of whoever dies in it, and no claim names what is not there', async () => {
    await termsOver(world);
    const artifacts = join(world.directory, 'cache');
    const before = await rows('claim');
    for (const dies of [true, false]) {
      const told = await failed('SWARM_E_STORE_UNREACHABLE');
      await door.shut();
      const explorer = new Role(world, 'explorer', { artifacts, env, args: [...args, '--once'] });
      await expect.poll(() => failed('SWARM_E_STORE_UNREACHABLE'), patient).toBeGreaterThan(told);
      expect(await rows('claim')).toBe(before);
      if (dies) await explorer.kill();
      await door.open();
      if (!dies) expect((await explorer.ended).code).toBe(0);
    }
    expect(await rows('claim')).toBe(before + 1);
    const { rows: last } = await world.admin.query(
      'select artifact from board.claim order by at desc limit 1',
    );
    rmSync(artifacts, { recursive: true, force: true });
    const bucket = await openArtifactStore({ directory: artifacts, env, warn: () => undefined });
    expect(await bucket.size(last[0].artifact)).toBeGreaterThan(0);
    await sound(world, null);
  });
});
