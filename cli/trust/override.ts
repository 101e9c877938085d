// `swarm promote` and `swarm rollback`: a hand on the gate. Without --force they say what the gate says, and change nothing.
// Promises: an override is one row signed with an enrolled publisher's key, with its reason, and an alert beside it.
// Leaves to the database: refusing what may not reign even so (trust/migrations/0012_override.sql).
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Db, explain, openDb } from '../../blackboard/db.js';
import { SwarmError } from '../../blackboard/errors.js';
import { agentUrl, type Credentials, readCredentials } from '../../blackboard/identity/credentials.js';
import { uuid7 } from '../../blackboard/ids.js';
import { takeLease } from '../../blackboard/lease.js';
import { signRecord } from '../../blackboard/signed.js';
import { shortText } from '../../blackboard/text.js';
import { publicAddress } from '../admin.js';
import { openHome } from '../services/home.js';
import { databaseOf } from '../where.js';

export interface OverrideArguments {
  readonly home?: string;
  readonly agentFile?: string;
  readonly artifact?: string;
  readonly force?: boolean;
  readonly reason?: string;
}

interface Champion {
  readonly slot: string;
  readonly reign: number;
  readonly artifact: string;
  readonly family: string;
  readonly previous: string | null;
}

export const promoteCommand = (slot: string, o: OverrideArguments & { artifact: string }): Promise<void> =>
  asPublisher(o, async (db, who) => {
    const champion = await reigning(db, slot);
    const artifact = await wholeDigest(db, slot, o.artifact);
    if (artifact === champion.artifact)
      throw refused(`${short(artifact)} reigns over ${slot} already`, '`swarm gate` shows who reigns.');
    await override(db, who, champion, artifact, o, await gateSays(db, slot, artifact));
  });

export const rollbackCommand = (slot: string, o: OverrideArguments): Promise<void> =>
  asPublisher(o, async (db, who) => {
    const champion = await reigning(db, slot);
    if (champion.previous === null)
      throw refused(`${slot} has had one champion only`, 'There is none before it to go back to.');
    await override(db, who, champion, champion.previous, o, await gateSays(db, slot, champion.previous));
  });

const short = (digest: string): string => digest.slice(0, 10);
const refused = (message: string, hint: string): SwarmError => new SwarmError('SWARM_E_USAGE', message, hint);

async function override(
  db: Db,
  who: Credentials,
  champion: Champion,
  artifact: string,
  o: OverrideArguments,
  gate: string,
): Promise<void> {
  const { slot, reign } = champion;
  if (o.force !== true)
    throw refused(
      `${slot} keeps ${short(champion.artifact)}: ${gate}`,
      'The gate decides. To pass it by, in your name and for everybody to see: --force --reason TEXT.',
    );
  const reason = shortText(o.reason ?? '').trim();
  if (reason === '')
    throw refused('an override without a reason', 'Say why: --reason TEXT. It is signed and stays.');
  const lease = await takeLease(db, `override:${slot}:${reign + 1}`);
  if (lease === null)
    throw new SwarmError(
      'SWARM_E_STALE_LEASE',
      `somebody else overrides the gate of ${slot}`,
      'Look at `swarm gate` and try again.',
    );
  try {
    const row = {
      id: uuid7(),
      agent_id: who.id,
      kind: 'override',
      slot,
      reign: reign + 1,
      artifact,
      family: await familyOf(db, slot, artifact),
      previous: champion.artifact,
      reason,
    };
    const message = `${slot} reign ${row.reign}: ${row.family} ${short(artifact)} instead of ${short(champion.artifact)}, past the gate: ${reason}`;
    await db.transaction().execute(async (trx) => {
      await trx
        .insertInto('board.promotion')
        .values({
          ...row,
          signature: signRecord('promotion', row, who.privateKey),
          work_id: lease.work_id,
          fence: lease.fence,
        })
        .execute();
      await trx
        .insertInto('board.alert')
        .values({
          id: uuid7(),
          agent_id: who.id,
          severity: 'warning',
          code: 'SWARM_W_OVERRIDE',
          message: shortText(message),
        })
        .execute();
    });
    process.stdout.write(`${message}\n`);
  } finally {
    await lease.giveBack();
  }
}

async function reigning(db: Db, slot: string): Promise<Champion> {
  const all = (await db
    .selectFrom('trust.champion')
    .selectAll()
    .orderBy('slot')
    .execute()) as unknown as Champion[];
  const champion = all.find((c) => c.slot === slot);
  if (champion === undefined)
    throw refused(
      `no model reigns over "${slot}"`,
      all.length === 0 ? 'No slot has a champion yet.' : `There are ${all.map((c) => c.slot).join(', ')}.`,
    );
  return champion;
}

/** A digest from its beginning, as the commands show it. */
async function wholeDigest(db: Db, slot: string, start: string): Promise<string> {
  if (!/^[0-9a-f]{8,64}$/.test(start))
    throw refused(`"${start}" is no artifact's digest`, 'Give at least eight hexadecimal digits of it.');
  const claimed = db
    .selectFrom('board.claim')
    .select('artifact')
    .where('slot', '=', slot)
    .where('artifact', 'like', `${start}%`);
  const reigned = db
    .selectFrom('board.promotion')
    .select('artifact')
    .where('slot', '=', slot)
    .where('artifact', 'like', `${start}%`);
  const found = [...new Set((await claimed.union(reigned).execute()).map((r) => r.artifact))];
  if (found.length !== 1)
    throw refused(
      found.length === 0
        ? `nobody ever claimed ${start} for ${slot}`
        : `${found.length} artifacts of ${slot} begin with ${start}`,
      '`swarm gate` and `swarm trust OWNER` show digests.',
    );
  return found[0]!;
}

async function familyOf(db: Db, slot: string, artifact: string): Promise<string> {
  const known = await db
    .selectFrom('board.claim')
    .select('family')
    .where('slot', '=', slot)
    .where('artifact', '=', artifact)
    .union(
      db
        .selectFrom('board.promotion')
        .select('family')
        .where('slot', '=', slot)
        .where('artifact', '=', artifact),
    )
    .limit(1)
    .executeTakeFirst();
  return known?.family ?? 'unknown';
}

async function gateSays(db: Db, slot: string, artifact: string): Promise<string> {
  const course = await db
    .selectFrom('trust.gate')
    .select(['stage', 'windows', 'e_value', 'threshold'])
    .where('slot', '=', slot)
    .where('artifact', '=', artifact)
    .orderBy('reign', 'desc')
    .limit(1)
    .executeTakeFirst();
  return course === undefined
    ? `${short(artifact)} has not been through the gate`
    : `the gate has ${short(artifact)} at ${course.stage}, E ${course.e_value!.toPrecision(4)} of ${course.threshold!.toPrecision(4)} after ${course.windows} windows`;
}

/** On a connection as the publisher itself: the file named, or the only one of the home. */
async function asPublisher(
  o: OverrideArguments,
  act: (db: Db, who: Credentials) => Promise<void>,
): Promise<void> {
  const address = databaseOf(o.home);
  const who = readCredentials(o.agentFile ?? publisherIn(openHome(o.home).agents));
  if (who.role !== 'publisher')
    throw refused(
      `${who.name} is a ${who.role}`,
      'A publisher signs an override: name its file with --agent-file.',
    );
  const db = openDb({ url: agentUrl(publicAddress(address), who), name: 'swarm override', connections: 2 });
  try {
    await act(db, who);
  } catch (error) {
    throw explain(error);
  } finally {
    await db.destroy();
  }
}

function publisherIn(directory: string): string {
  const files = readdirSync(directory).filter((name) => name.endsWith('.json'));
  const publishers = files
    .map((name) => join(directory, name))
    .filter((path) => readCredentials(path).role === 'publisher');
  if (publishers.length !== 1)
    throw refused(
      `${directory} has ${publishers.length} publishers`,
      'Name the file of the one who signs with --agent-file.',
    );
  return publishers[0]!;
}
