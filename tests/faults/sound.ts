// What must hold after every fault: nothing committed is lost or changed, nothing happened twice, no lease outlives its term, every
// record has its event, and the audit is silent.
import { join } from 'node:path';
import { expect } from 'vitest';
import { directoryStore } from '../../blackboard/artifacts/directory.js';
import type { ArtifactStore } from '../../blackboard/artifacts.js';
import { auditDatabase } from '../../trust/audit/audit.js';
import type { Finding } from '../../trust/audit/finding.js';
import type { World } from '../miner/world.js';

/** Longest term that a program of ours asks for; the server itself gives five minutes at most. */
const TERM_S = 30;
const KINDS = ['claim', 'verdict', 'challenger', 'promotion'] as const;
const RECORDS = [
  ...['briefing', 'decision', 'experiment', 'claim', 'verdict', 'challenger', 'gate_step', 'promotion'],
  ...['prompt', 'answer', 'outcome', 'reward', 'attempt', 'alert', 'holding', 'dead_letter'],
] as const;

/** Every committed record, with a digest of its content. */
export type Committed = ReadonlyMap<string, string>;

export async function committed({ admin }: Pick<World, 'admin'>): Promise<Committed> {
  const all = RECORDS.map(
    (kind) => `select '${kind} ' || r.id as name, md5(r::text) as digest from board.${kind} r`,
  );
  const { rows } = await admin.query<{ name: string; digest: string }>(all.join(' union all '));
  return new Map(rows.map((row) => [row.name, row.digest]));
}

/** Fails when anything that was committed before is gone or different now. */
export async function nothingLost(world: Pick<World, 'admin'>, before: Committed): Promise<void> {
  const now = await committed(world);
  expect([...before].filter(([name, digest]) => now.get(name) !== digest)).toEqual([]);
}

const one = async (world: Pick<World, 'admin'>, text: string): Promise<number> =>
  Number((await world.admin.query<{ n: string }>(text)).rows[0]!.n);

/** Every invariant of the blackboard, on what is committed now. */
export async function sound(
  world: Pick<World, 'admin' | 'directory'>,
  store: ArtifactStore | null = directoryStore(join(world.directory, 'artifacts')),
): Promise<void> {
  const found: Finding[] = [];
  await auditDatabase(world.admin, store, (finding) => found.push(finding));
  expect(found, 'the audit').toEqual([]);
  for (const kind of KINDS)
    expect(
      await one(
        world,
        `select count(*) as n from board.${kind} r where (select count(*) from board.outbox o where o.kind = '${kind}' and o.ref = r.id) <> 1`,
      ),
      `a ${kind} has exactly one event`,
    ).toBe(0);
  expect(
    await one(
      world,
      'select count(*) as n from (select decision_id from board.experiment group by 1 having count(*) > 1) twice',
    ),
    'a decision is carried out once',
  ).toBe(0);
  expect(
    await one(
      world,
      `select count(*) as n from board.claim c where not exists (select from board.experiment e where e.id = c.experiment_id)
         or not exists (select from board.experiment e join board.decision d on d.id = e.decision_id where e.id = c.experiment_id)`,
    ),
    'a claim stands on its experiment and decision',
  ).toBe(0);
  expect(
    await one(
      world,
      `select count(*) as n from board.lease where expires_at > clock_timestamp() + interval '${TERM_S} seconds'`,
    ),
    'no lease is longer than its term',
  ).toBe(0);
}

/**
 * Lets the terms of all leases end now, instead of waiting for them: the dead hold nothing afterwards. First it is made sure that
 * they would have ended by themselves.
 */
export async function termsOver(world: Pick<World, 'admin'>): Promise<void> {
  expect(
    await one(
      world,
      `select count(*) as n from board.lease where expires_at > clock_timestamp() + interval '${TERM_S} seconds'`,
    ),
  ).toBe(0);
  await world.admin.query(
    `update board.lease set expires_at = least(expires_at, clock_timestamp()) where expires_at > clock_timestamp()`,
  );
}

/**
 * Has every claim checked by three owners, whatever its author's word is worth and whatever the first of them finds: then who
 * checks what does not depend on who was quicker.
 */
export async function everyClaimByEveryChecker({ admin }: Pick<World, 'admin'>): Promise<void> {
  await admin.query(`set session_replication_role = replica;
    update board.constant set value = 1 where name = 'audit_floor';
    update board.constant set value = -1 where name = 'verdict_tolerance'; reset session_replication_role`);
}
