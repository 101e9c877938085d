// `swarm briefing`: what would be told now and why, and what an agent was told last.
// Promises: it reads what the agent would read, draws from the seed it is given, and records nothing.
import type { Transaction } from 'kysely';
import { SwarmError } from '../../blackboard/errors.js';
import type { DB } from '../../blackboard/schema.generated.js';
import { rng } from '../../forecast/rng.js';
import { brief, type DrawnBriefing } from '../../trust/briefing.js';
import { readSwarm } from '../reading.js';
import { table } from '../status/render.js';

interface BriefingArguments {
  readonly home?: string;
  readonly slot?: string;
  readonly seed: number;
  readonly json?: boolean;
}

interface Stored {
  readonly id: string;
  readonly slot: string;
  readonly market_at: string;
  readonly items: readonly Item[];
}

interface Item {
  readonly kind: string;
  readonly id: string;
  readonly probability: number;
  readonly uniform?: boolean;
  /** Absent in briefings of before it was written down: told. */
  readonly told?: boolean;
}

const LAST = 3;

export async function briefingCommand(name: string | undefined, o: BriefingArguments): Promise<void> {
  if (name === undefined && o.slot === undefined)
    throw new SwarmError(
      'SWARM_E_USAGE',
      'nobody and nothing is named',
      'Name an agent, or a slot with --slot.',
    );
  const text = await readSwarm(o.home, 'swarm briefing', async (trx) => {
    const last = name === undefined ? [] : await lastOf(trx, name);
    const slot = await slotFor(trx, o.slot, last);
    const now = await brief(trx, slot, drawsFrom(o.seed));
    return o.json ? JSON.stringify({ now, last }) : inWords(now, name, last);
  });
  process.stdout.write(`${text}\n`);
}

const drawsFrom = (seed: number): (() => number) => {
  const draws = rng(`briefing ${seed}`);
  return () => draws.uniform();
};

async function lastOf(trx: Transaction<DB>, name: string): Promise<Stored[]> {
  const agents = await trx
    .selectFrom('board.agent')
    .select(['id', 'name'])
    .where('role', 'in', ['explorer', 'optimizer'])
    .orderBy('name')
    .execute();
  const agent = agents.find((a) => a.name === name);
  if (agent === undefined)
    throw new SwarmError(
      'SWARM_E_USAGE',
      `there is no explorer or optimizer "${name}"`,
      agents.length === 0
        ? 'Nobody who searches is enrolled.'
        : `There are ${agents.map((a) => a.name).join(', ')}.`,
    );
  const rows = await trx
    .selectFrom('board.briefing')
    .select(['id', 'slot', 'market_at', 'items'])
    .where('agent_id', '=', agent.id)
    .orderBy('id', 'desc')
    .limit(LAST)
    .execute();
  return rows.map((r) => ({
    ...r,
    market_at: r.market_at.toISOString(),
    items: r.items as unknown as Item[],
  }));
}

/** The slot asked for, the one an agent decided on last, or the first that is open. */
async function slotFor(
  trx: Transaction<DB>,
  asked: string | undefined,
  last: readonly Stored[],
): Promise<string> {
  const clock = await trx.selectFrom('fleet.clock').select('slots').executeTakeFirst();
  const open = clock?.slots ?? [];
  const slot = asked ?? last[0]?.slot ?? open[0];
  if (slot === undefined || !open.includes(slot))
    throw new SwarmError(
      'SWARM_E_USAGE',
      `the swarm does not work on ${slot ?? 'any slot'}`,
      open.length === 0 ? 'No market has been opened: `swarm up`.' : `It works on ${open.join(', ')}.`,
    );
  return slot;
}

const number = (x: number | undefined, digits = 3): string => (x === undefined ? '-' : x.toFixed(digits));

function inWords(now: DrawnBriefing, name: string | undefined, last: readonly Stored[]): string {
  const items = now.items.length === 0 ? 'nothing is known of it yet' : nowTable(now);
  const others =
    now.untold.length === 0 ? [] : [`${now.untold.length} patterns had a chance and are not told`];
  return [
    `${now.slot}: what would be told now, ${now.tokens} tokens`,
    items,
    ...others,
    ...(name === undefined
      ? []
      : ['', `last told to ${name}`, ...(last.length === 0 ? ['  nothing'] : last.flatMap(storedLines))]),
  ].join('\n');
}

function nowTable({ champion, specs, patterns, items }: DrawnBriefing): string {
  const what = (id: string): string => {
    if (champion?.artifact === id) return `${champion.family} ${id.slice(0, 10)}, reign ${champion.reign}`;
    const spec = specs.find((s) => s.claim_id === id);
    if (spec !== undefined)
      return `${String(spec.spec['family'])} ${spec.spec_digest.slice(0, 10)}: verified ${spec.verified_gain.toFixed(3)} +- ${spec.verified_se.toFixed(3)}`;
    const p = patterns.find((one) => one.pattern_id === id)!;
    const knob = p.knob === null ? '' : ` ${p.knob} ${p.low} to ${p.high}`;
    return `${p.family ?? 'any family'}${knob}: ${p.gain.toFixed(3)} +- ${p.sd.toFixed(3)}`;
  };
  return table(
    ['kind', 'chance', 'PHI', 'relevance', 'freshness', 'diversity', 'drawn', 'what'],
    items.map((i) => [
      i.kind,
      number(i.probability),
      number(i.why?.phi),
      number(i.why?.relevance),
      number(i.why?.freshness),
      number(i.why?.diversity),
      i.why === undefined ? 'always' : i.uniform ? 'evenly' : 'by weight',
      what(i.id),
    ]),
  );
}

const storedLines = (stored: Stored): string[] => [
  `  ${stored.market_at.slice(0, 16)}Z ${stored.slot}`,
  ...stored.items
    .filter((i) => i.told !== false)
    .map(
      (i) => `    ${i.kind} ${i.id}, chance ${i.probability.toFixed(3)}${i.uniform ? ', drawn evenly' : ''}`,
    ),
];
