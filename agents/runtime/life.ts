// The life of an agent process: heartbeat, step after step, backing off while the database is away, and an orderly end.
// SIGTERM, SIGINT or a lost parent stop the claiming of work; what is in hand is finished; a second signal forces.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { explain, isShutOut, isTransient } from '../../blackboard/db.js';
import { pause } from '../../blackboard/events/doorbell.js';
import { type AgentContext, type AgentOptions, openContext } from './context.js';

export interface Agent {
  /** One unit of work. False: nothing to do until something rings. */
  step(): Promise<boolean>;
  close?(): Promise<void>;
}

export interface AgentKind {
  /** Event kinds that wake it. */
  readonly wakes: readonly string[];
  /** Wait between sweeps when nothing rings, ms. */
  readonly sweepMs: number;
  /** Unix niceness: searching yields to serving. */
  readonly nice: number;
  open(context: AgentContext): Promise<Agent>;
}

const BEAT_MS = 3000;
const BACKOFF_MS = 500;
const BACKOFF_LIMIT_MS = 10_000;
const ORPHAN_GRACE_MS = 15_000;

/** The signal that asks this process to stop; a second one ends it at once. */
export function stopSignal(onAsked: (why: string) => void): AbortSignal {
  const stop = new AbortController();
  const ask = (why: string): void => {
    if (stop.signal.aborted) process.exit(130);
    onAsked(why);
    stop.abort();
  };
  process.on('SIGTERM', () => ask('SIGTERM'));
  process.on('SIGINT', () => ask('SIGINT'));
  if (process.send !== undefined)
    process.on('disconnect', () => {
      // The database may have gone with the parent: what waits for it must not keep an orphan alive.
      setTimeout(() => process.exit(1), ORPHAN_GRACE_MS).unref();
      if (!stop.signal.aborted) ask('parent lost');
    });
  return stop.signal;
}

/**
 * Lowers this process by a Unix niceness. Linux shares the CPU among sessions before it looks at niceness, and a supervised
 * agent is a session of its own: then the session is lowered too, or searching would not yield to serving at all. Where the
 * system refuses, as in a container with a read-only /proc, the agent runs on as it is.
 */
function yieldBy(nice: number, onRefused: (error: unknown) => void): void {
  try {
    setPriority(nice);
    lowerSession(nice);
  } catch (error) {
    onRefused(error);
  }
}

function lowerSession(nice: number): void {
  const autogroup = '/proc/self/autogroup';
  if (!existsSync(autogroup)) return;
  const session = Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[3]);
  // Somebody's shell is not ours to slow down.
  if (session === process.pid) writeFileSync(autogroup, String(nice));
}

/** Runs an agent until it is asked to stop, for `steps` units of work, or with `drain` until there is no work. */
export async function live(
  kind: AgentKind,
  options: AgentOptions,
  limit: { steps?: number; drain?: boolean } = {},
): Promise<void> {
  const stopping = stopSignal((why) => process.stderr.write(`stopping: ${why}\n`));
  const context = await openWhenReady(kind, options, stopping);
  if (context === null) return;
  yieldBy(kind.nice, (error) => context.log.warn({ err: error }, 'the niceness could not be set'));
  let state = 'starting';
  let turnedAway: (error: unknown) => void = () => undefined;
  const shutOut = new Promise<never>((_, reject) => (turnedAway = reject));
  // Met by whoever waits for it; before that, it is no unhandled rejection.
  shutOut.catch(() => undefined);
  const beat = (): Promise<void> =>
    context.beat(state).catch((error) => {
      // Revoked, or rotated: nothing that this process does will count again, whatever it is in the middle of.
      if (isShutOut(error)) turnedAway(explain(error));
      else context.log.warn({ err: explain(error) }, 'heartbeat missed');
    });
  const heart = setInterval(() => void beat(), BEAT_MS);
  try {
    await beat();
    const agent = await Promise.race([kind.open(context), shutOut]);
    state = 'ready';
    await beat();
    context.log.info({ seed: context.seed, market: context.clock.source }, 'started');
    await Promise.race([work(kind, agent, context, limit, (now) => (state = now)), shutOut]);
    await agent.close?.();
  } finally {
    clearInterval(heart);
    state = 'stopped';
    await beat();
    await context.close();
    context.log.info('stopped');
  }
}

/** Step after step until it is asked to stop or has reached its limit. */
async function work(
  kind: AgentKind,
  agent: Agent,
  context: AgentContext,
  limit: { steps?: number; drain?: boolean },
  tell: (state: string) => void,
): Promise<void> {
  const { stopping } = context;
  let backoff = BACKOFF_MS;
  for (let done = 0; !stopping.aborted && done < (limit.steps ?? Number.POSITIVE_INFINITY); ) {
    try {
      tell('working');
      // Only what rang before the look is settled by finding nothing: a later ring may be about what it missed.
      const heard = context.bell.heard();
      if (await agent.step()) done += 1;
      else if (limit.drain) break;
      else {
        tell('waiting');
        await context.bell.settle(context.db, async () => undefined, heard);
        await context.bell.wait(kind.sweepMs, stopping);
      }
      backoff = BACKOFF_MS;
    } catch (error) {
      if (stopping.aborted) break;
      if (isShutOut(error)) throw explain(error);
      await report(context, error);
      if ((limit.steps !== undefined || limit.drain) && !isTransient(error)) throw error;
      await pause(backoff, stopping);
      backoff = Math.min(backoff * 2, BACKOFF_LIMIT_MS);
    }
  }
}

async function openWhenReady(
  kind: AgentKind,
  options: AgentOptions,
  stopping: AbortSignal,
): Promise<AgentContext | null> {
  for (let backoff = BACKOFF_MS; !stopping.aborted; backoff = Math.min(backoff * 2, BACKOFF_LIMIT_MS)) {
    try {
      return await openContext(options, kind.wakes, stopping);
    } catch (error) {
      const known = explain(error);
      if (!isTransient(known) && !isTransient(error)) throw known;
      process.stderr.write(`waiting for the blackboard: ${known instanceof Error ? known.message : known}\n`);
      await pause(backoff, stopping);
    }
  }
  return null;
}

async function report(context: AgentContext, error: unknown): Promise<void> {
  const known = explain(error);
  context.log.error({ err: known }, 'a step failed');
  if (isTransient(known)) return;
  const code = (known as { code?: unknown }).code;
  await context
    .alert(
      'error',
      typeof code === 'string' ? code : 'SWARM_E_UNEXPECTED',
      known instanceof Error ? known.message : String(known),
    )
    .catch((second) => context.log.error({ err: second }, 'the alert could not be written'));
}
