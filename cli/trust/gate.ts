// `swarm gate`: the reigns of a slot, its challengers stage by stage, and their evidence against the threshold as a picture.
// Promises: nothing is worked out here that trust.gate and trust.gate_path do not say. Leaves to others: drawing.
import { writeFileSync } from 'node:fs';
import type { Transaction } from 'kysely';
import { SwarmError } from '../../blackboard/errors.js';
import type { DB } from '../../blackboard/schema.generated.js';
import { readConstants } from '../../trust/constants.js';
import { readSwarm } from '../reading.js';
import { table } from '../status/render.js';
import { drawInText } from './picture.js';
import { drawInSvg } from './svg.js';

interface GateArguments {
  readonly home?: string;
  readonly svg?: string;
  readonly json?: boolean;
}

export interface Reign {
  readonly reign: number;
  readonly kind: string;
  readonly family: string;
  readonly artifact: string;
  readonly e_value: number | null;
  readonly windows: number | null;
  readonly market_at: string;
}

/** One challenger's way through the gate. */
export interface Course {
  readonly id: string;
  readonly kind: string;
  readonly reign: number;
  readonly k: number;
  readonly artifact: string;
  readonly stage: string;
  readonly trials: number;
  readonly screen_t: number;
  readonly screen_threshold: number;
  readonly threshold: number;
  /** No decision for it on fewer windows. */
  readonly floor: number;
  readonly mirror: number;
  readonly mirror_limit: number;
  /** E after every window, in order. */
  readonly e: readonly number[];
}

export interface SlotGate {
  readonly slot: string;
  readonly reigns: readonly Reign[];
  readonly challengers: readonly Course[];
}

export async function gateCommand(slot: string | undefined, o: GateArguments): Promise<void> {
  if (o.svg !== undefined && slot === undefined)
    throw new SwarmError('SWARM_E_USAGE', '--svg draws one slot', 'Name it: swarm gate SLOT --svg FILE.');
  const gates = await readSwarm(o.home, 'swarm gate', (trx) => readGates(trx, slot));
  if (o.svg !== undefined) writeFileSync(o.svg, drawInSvg(gates[0]!.slot, drawn(gates[0]!)));
  const plain = process.stdout.isTTY !== true || process.env['NO_COLOR'] !== undefined;
  process.stdout.write(
    `${o.json ? JSON.stringify(gates) : gates.length === 0 ? 'no slot has a champion yet' : gates.map((g) => inWords(g, plain)).join('\n\n')}\n`,
  );
}

export async function readGates(trx: Transaction<DB>, slot?: string): Promise<SlotGate[]> {
  const constant = await readConstants(trx);
  const reigns = await trx
    .selectFrom('fleet.promotions')
    .selectAll()
    .orderBy('slot')
    .orderBy('reign')
    .execute();
  const slots = [...new Set(reigns.map((r) => r.slot!))];
  if (slot !== undefined && !slots.includes(slot))
    throw new SwarmError(
      'SWARM_E_USAGE',
      `no model reigns over "${slot}"`,
      slots.length === 0 ? 'No slot has a champion yet.' : `There are ${slots.join(', ')}.`,
    );
  const shown = slot === undefined ? slots : [slot];
  const courses = await trx
    .selectFrom('trust.gate')
    .selectAll()
    .where('slot', 'in', ['', ...shown])
    .execute();
  const paths = await trx
    .selectFrom('trust.gate_path')
    .select(['challenger_id', 'n', 'e_value'])
    .where('challenger_id', 'in', (q) =>
      q
        .selectFrom('board.challenger')
        .select('id')
        .where('slot', 'in', ['', ...shown]),
    )
    .orderBy('n')
    .execute();
  const order = (c: Course): number => c.reign * 1e6 + (c.kind === 'rollback' ? 0 : c.k);
  return shown.map((one) => ({
    slot: one,
    reigns: reigns
      .filter((r) => r.slot === one)
      .map((r) => ({
        reign: r.reign!,
        kind: r.kind!,
        family: r.family!,
        artifact: r.artifact!,
        e_value: r.e_value,
        windows: r.windows,
        market_at: r.market_at!.toISOString(),
      })),
    challengers: courses
      .filter((c) => c.slot === one)
      .map((c) => ({
        id: c.challenger_id!,
        kind: c.kind!,
        reign: c.reign!,
        k: c.k!,
        artifact: c.artifact!,
        stage: c.stage!,
        trials: c.trials!,
        screen_t: c.screen_t!,
        screen_threshold: c.screen_threshold!,
        threshold: c.threshold!,
        floor: constant(c.kind === 'rollback' ? 'rollback_floor_windows' : 'gate_floor_windows'),
        mirror: c.mirror!,
        mirror_limit: constant('mirror_limit'),
        e: paths.filter((p) => p.challenger_id === c.challenger_id).map((p) => p.e_value!),
      }))
      .sort((a, b) => order(a) - order(b)),
  }));
}

const PICTURES = 4;

/** The newest challengers that have been through a window. */
const drawn = (gate: SlotGate): Course[] => gate.challengers.filter((c) => c.e.length > 0).slice(-PICTURES);

const short = (digest: string): string => digest.slice(0, 10);

function inWords(gate: SlotGate, plain: boolean): string {
  const reigns = table(
    ['reign', 'how', 'since', 'model', 'windows', 'E'],
    gate.reigns.map((r) => [
      String(r.reign),
      r.kind,
      `${r.market_at.slice(0, 16)}Z`,
      `${r.family} ${short(r.artifact)}`,
      String(r.windows ?? '-'),
      r.e_value?.toPrecision(4) ?? '-',
    ]),
  );
  const challengers = table(
    ['challenger', 'kind', 'reign', 'k', 'screen t', 'of', 'windows', 'E', 'threshold', 'against', 'stage'],
    gate.challengers.map((c) => [
      short(c.artifact),
      c.kind,
      String(c.reign),
      String(c.k),
      `${c.screen_t.toFixed(1)} > ${c.screen_threshold.toFixed(1)}`,
      `${c.trials} tried`,
      `${c.e.length} of ${c.floor}`,
      (c.e.at(-1) ?? 1).toPrecision(4),
      c.threshold.toFixed(1),
      `${c.mirror.toFixed(2)} of ${c.mirror_limit}`,
      c.stage,
    ]),
  );
  return [
    gate.slot,
    reigns,
    '',
    gate.challengers.length === 0 ? 'no challenger yet' : challengers,
    ...drawn(gate).flatMap((c) => ['', drawInText(c, plain)]),
  ].join('\n');
}
