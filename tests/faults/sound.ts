// What must hold after every fault: nothing committed is lost or changed, nothing happened twice, no lease outlives its term, every
// record has its event, nothing waits that a sweep should have done, and the audit is silent. sound.test.ts breaks each of these once.
import { join } from 'node:path';
import type pg from 'pg';
import { expect } from 'vitest';
import { directoryStore } from '../../blackboard/artifacts/directory.js';
import type { ArtifactStore } from '../../blackboard/artifacts.js';
import type { AgentRole } from '../../blackboard/identity/roles.js';
import { auditSnapshot } from '../../trust/audit/audit.js';
import type { World } from '../miner/world.js';
import { run } from './role.js';

/** Longest term that a program of ours asks for; the server itself gives five minutes at most. */
const TERM_S = 30;
/** Kinds that ring: each record of theirs has one event. Outcomes ring once for all that one statement wrote. */
const RINGING = ['claim', 'verdict', 'challenger', 'promotion'] as const;
const RECORDS = [
  ...['briefing', 'decision', 'experiment', 'claim', 'verdict', 'challenger', 'gate_step', 'promotion'],
  ...['prompt', 'answer', 'outcome', 'reward', 'attempt', 'alert', 'holding', 'dead_letter'],
] as const;

/** What there may be one record of: the columns that say what it is about. */
const ONCE: readonly (readonly [kind: string, columns: string])[] = [
  ['experiment', 'decision_id'],
  ['claim', 'experiment_id'],
  ['verdict', 'claim_id, agent_id, reign'],
  ['challenger', 'slot, reign, artifact'],
  ['challenger', 'slot, reign, kind, k'],
  ['gate_step', 'challenger_id, start_at'],
  ['promotion', 'slot, reign'],
  ['promotion', 'challenger_id'],
  ['prompt', 'validator, asset, start_at, length_s'],
  ['answer', 'prompt_id, agent_id'],
  ['outcome', 'prompt_id, miner'],
  ['dead_letter', 'agent_id, body_digest'],
  ['inbox', 'consumer, event_id'],
  ['holding', 'token'],
  ['outbox', 'kind, ref'],
];

/** What a record stands on. */
const STANDS: readonly (readonly [kind: string, column: string, on: string])[] = [
  ['decision', 'briefing_id', 'briefing'],
  ['experiment', 'decision_id', 'decision'],
  ['claim', 'experiment_id', 'experiment'],
  ['verdict', 'claim_id', 'claim'],
  ['gate_step', 'challenger_id', 'challenger'],
  ['gate_step', 'prompt_id', 'prompt'],
  ['promotion', 'challenger_id', 'challenger'],
  ['answer', 'prompt_id', 'prompt'],
  ['outcome', 'prompt_id', 'prompt'],
];

/** Each selects what breaks it. */
export const INVARIANTS: readonly (readonly [rule: string, breaks: string])[] = [
  ...ONCE.map(
    ([kind, columns]) =>
      [
        `one ${kind} for each ${columns}`,
        `select ${columns} from board.${kind} where ${columns.split(', ')[0]} is not null group by ${columns} having count(*) > 1`,
      ] as const,
  ),
  ...STANDS.map(
    ([kind, column, on]) =>
      [
        `every ${kind} stands on its ${on}`,
        `select r.id from board.${kind} r where r.${column} is not null and not exists (select from board.${on} o where o.id = r.${column})`,
      ] as const,
  ),
  ...RINGING.map(
    (kind) =>
      [
        `every ${kind} has its event`,
        `select r.id from board.${kind} r where not exists (select from board.outbox o where o.kind = '${kind}' and o.ref = r.id)`,
      ] as const,
  ),
  ...[...RINGING, 'outcome'].map(
    (kind) =>
      [
        `every event of kind ${kind} has its record`,
        `select o.id from board.outbox o where o.kind = '${kind}' and not exists (select from board.${kind} r where r.id = o.ref)`,
      ] as const,
  ),
  [
    'every prompt with outcomes has an event',
    `select o.prompt_id from board.outcome o group by 1 having not bool_or(exists (select from board.outbox e where e.kind = 'outcome' and e.ref = o.id))`,
  ],
  [
    'a promotion and the challenger that may undo it are one transaction',
    `select p.id from board.promotion p where p.kind = 'promote'
       and not exists (select from board.challenger c where c.slot = p.slot and c.reign = p.reign and c.kind = 'rollback')`,
  ],
  [
    'no lease is longer than its term',
    `select work_id from board.lease where expires_at > clock_timestamp() + interval '${TERM_S} seconds'`,
  ],
  [
    'a lease is its last taker’s',
    `select l.work_id from board.lease l where not exists (
       select from board.holding h where h.token = l.token and h.work_id = l.work_id and h.agent_id = l.holder)
       or exists (select from board.holding h where h.work_id = l.work_id and h.token > l.token)`,
  ],
];

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

/** Everything that does not hold, in what the client's transaction sees: the rule, and what breaks it. */
export async function breaches(client: pg.ClientBase, store: ArtifactStore | null): Promise<string[]> {
  const found: string[] = [];
  await auditSnapshot(client, store, ({ kind, id, reason }) => found.push(`audit: ${kind} ${id}: ${reason}`));
  const rules = INVARIANTS.map(
    ([rule, breaks]) => `select '${rule}' as rule, row_to_json(b)::text as what from (${breaks}) b`,
  );
  const { rows } = await client.query<{ rule: string; what: string }>(rules.join(' union all '));
  return [...found, ...rows.map(({ rule, what }) => `${rule}: ${what}`)];
}

/** Every invariant of the blackboard, on what is committed now. */
export async function sound(
  world: Pick<World, 'admin' | 'directory'>,
  store: ArtifactStore | null = directoryStore(join(world.directory, 'artifacts')),
): Promise<void> {
  await world.admin.query('begin isolation level repeatable read read only');
  try {
    expect(await breaches(world.admin, store)).toEqual([]);
  } finally {
    await world.admin.query('rollback');
  }
}

/** Work that is somebody's to do now, and leases on any: what is left of it after one sweep is stuck. */
export async function waiting({ admin }: Pick<World, 'admin'>): Promise<string[]> {
  const { rows } = await admin.query<{ what: string }>(
    `select 'check of ' || claim_id || ' by ' || checker_id as what from trust.check_turn
     union all select 'lease on ' || work_id from board.lease where expires_at > clock_timestamp()
     union all select 'founding of ' || s from market.clock c, unnest(c.slots) s
       where c.id = (select max(id) from market.clock) and not exists (select from board.promotion p where p.slot = s)
     union all select 'admission of ' || s.artifact from trust.screen s where s.passed
       and not exists (select from board.challenger c where c.slot = s.slot and c.reign = s.reign and c.artifact = s.artifact)
       and trust.constant('concurrent_challengers') > (select count(*) from trust.gate g
         where g.slot = s.slot and g.kind = 'challenge' and g.stage in ('shadow', 'passed'))
     union all select 'promotion of ' || artifact from trust.gate where stage = 'passed'`,
  );
  return rows.map(({ what }) => what);
}

/** One sweep of a role, by each of these agents, over what a fault has left: after it nothing waits. */
export async function sweep(world: World, role: AgentRole, names: readonly string[] = [role]): Promise<void> {
  for (const name of names) await run(world, role, { name, args: ['--drain'] });
  expect(await waiting(world), 'left after a sweep').toEqual([]);
}

/**
 * Lets the terms of all leases end now, instead of waiting for them: the dead hold nothing afterwards. First it is made sure that
 * they would have ended by themselves.
 */
export async function termsOver({ admin }: Pick<World, 'admin'>): Promise<void> {
  const { rows } = await admin.query(
    `select work_id from board.lease where expires_at > clock_timestamp() + interval '${TERM_S} seconds'`,
  );
  expect(rows, 'leases that would not end by themselves').toEqual([]);
  await admin.query(
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
