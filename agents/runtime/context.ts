// What every agent process has: identity, blackboard, doorbell, artifacts, clock-bound settings, a log and a way to stop.
// Nothing here knows what the agent is for.
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { sql } from 'kysely';
import pino, { type Logger } from 'pino';
import { openArtifactStore } from '../../blackboard/artifacts/open.js';
import type { Environment } from '../../blackboard/artifacts/s3-settings.js';
import type { ArtifactStore } from '../../blackboard/artifacts.js';
import { type Db, openDb } from '../../blackboard/db.js';
import { SwarmError } from '../../blackboard/errors.js';
import { buryIn } from '../../blackboard/events/dead-letter.js';
import { type Doorbell, openDoorbell } from '../../blackboard/events/doorbell.js';
import { agentUrl, type Credentials, readCredentials } from '../../blackboard/identity/credentials.js';
import { uuid7 } from '../../blackboard/ids.js';
import { type MarketClock, readClock } from '../../blackboard/market.js';
import { type SignedKind, signRecord } from '../../blackboard/signed.js';
import { shortText } from '../../blackboard/text.js';
import { loadProfile, type Profile } from '../../miner/sn50/profile.js';
import { type Constants, readConstants } from '../../trust/constants.js';

/** How to reach the swarm: what a person passes to any agent process. */
export interface AgentOptions {
  /** The agent's own file (0600), from enrolment. */
  readonly agentFile: string;
  /** Address of the blackboard; user and password come from the agent file. */
  readonly blackboard: string;
  /** Directory of artifacts; of copies where SWARM_S3_* names a bucket. */
  readonly artifacts: string;
  /** File holding the NATS address; the agent's key is in its own file. Absent: the sweep alone. */
  readonly natsFile?: string | undefined;
  /** Seed of every random choice. */
  readonly seed: string;
  /** Where SWARM_S3_* is read; absent: this process's environment. */
  readonly env?: Environment | undefined;
}

export interface AgentContext {
  readonly who: Credentials;
  readonly db: Db;
  readonly databaseUrl: string;
  readonly natsUrl: string | null;
  readonly store: ArtifactStore;
  readonly bell: Doorbell;
  readonly log: Logger;
  readonly constants: Constants;
  readonly profile: Profile;
  readonly clock: MarketClock;
  readonly seed: string;
  /** Aborted when the agent must stop claiming work. */
  readonly stopping: AbortSignal;
  /** Work that this agent holds leases on. */
  readonly holding: Set<string>;
  /** Tells the fleet that this agent lives, what it does, and the latest work it holds. */
  beat(state: string): Promise<void>;
  /** Common columns of a new record by this agent. */
  stamp(): { id: string; agent_id: string };
  /** Signature over the record's content by this agent's key. */
  sign(kind: SignedKind, row: object): string;
  alert(severity: 'info' | 'warning' | 'error', code: string, message: string): Promise<void>;
  close(): Promise<void>;
}

export { CODE_VERSION } from '../../forecast/code-version.js';

export function readNatsFile(path: string | undefined): string | null {
  if (path === undefined) return null;
  if (!existsSync(path))
    throw new SwarmError(
      'SWARM_E_NATS_UNREACHABLE',
      `the NATS file ${path} does not exist`,
      'Name the file that holds the NATS address, or leave it out to run on the sweep alone.',
    );
  return readFileSync(path, 'utf8').trim();
}

export async function openContext(
  options: AgentOptions,
  wakes: readonly string[],
  stopping: AbortSignal,
): Promise<AgentContext> {
  const who = readCredentials(options.agentFile);
  const log = pino(
    {
      name: who.name,
      base: { role: who.role, owner: who.owner, pid: process.pid },
      redact: ['password', 'privateKey', 'natsSeed', '*.password', '*.privateKey', '*.natsSeed'],
    },
    pino.destination({ fd: 2, sync: true }),
  );
  const databaseUrl = agentUrl(options.blackboard, who);
  const natsUrl = readNatsFile(options.natsFile);
  const store = await openArtifactStore({
    directory: options.artifacts,
    env: options.env ?? process.env,
    stopping,
    warn: (fields, message) => log.warn(fields, message),
  });
  const db = openDb({ url: databaseUrl, name: `swarm ${who.name}` });
  const [clock, constants] = await Promise.all([readClock(db), readConstants(db)]).catch(async (error) => {
    // Opening is tried again while the database is away: no attempt leaves its pool behind.
    await db.destroy();
    throw error;
  });
  const stamp = (): { id: string; agent_id: string } => ({ id: uuid7(), agent_id: who.id });
  const bell = openDoorbell({
    natsUrl: wakes.length > 0 ? natsUrl : null,
    consumer: who.name,
    natsSeed: who.natsSeed,
    kinds: wakes,
    onProblem: (error) => log.warn({ err: error }, 'events are out of reach; the sweep goes on'),
    bury: buryIn(db, stamp),
  });
  const holding = new Set<string>();
  return {
    who,
    db,
    databaseUrl,
    natsUrl,
    bell,
    log,
    constants,
    clock,
    stopping,
    stamp,
    store,
    profile: loadProfile(clock.profile),
    seed: options.seed,
    holding,
    async beat(state) {
      const work = [...holding].at(-1) ?? null;
      await sql`select board.beat(${process.pid}::int, ${hostname()}, ${state}, ${work}::text)`.execute(db);
    },
    sign: (kind, row) => signRecord(kind, row, who.privateKey),
    async alert(severity, code, message) {
      log[severity === 'error' ? 'error' : severity === 'warning' ? 'warn' : 'info']({ code }, message);
      await db
        .insertInto('board.alert')
        .values({ ...stamp(), severity, code, message: shortText(message) })
        .execute();
    },
    async close() {
      await bell.close();
      await db.destroy();
    },
  };
}
