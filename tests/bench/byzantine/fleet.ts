// A fleet of owners on a simulated market under some rules of promotion: round after round they claim, somebody may check, and some
// model serves. Returns what the served models lost against the best there is, and what it cost.
import { seeded } from '../../trust/seeded.js';
import { claimOf, type Owner, type Stated, type Told } from './owners.js';
import { BEST_GAIN, type Model, type World } from './world.js';

/** An owner at work: a whitewasher changes its name and stays who it is. */
export type Seat = Owner;

/** What decides who is believed and who serves. */
export interface Rules {
  open(reference: readonly Model[]): Promise<void>;
  join(seat: Seat): Promise<void>;
  told(slot: string): Promise<Told[]>;
  /** Takes a day's claims; returns what checks of them cost, in experiments. */
  round(day: number, stated: readonly (Stated & { by: string })[]): Promise<number>;
  champion(slot: string): Promise<Model>;
}

export interface FleetResult {
  /** Mean over slots and days of what the served model's true gain lacks. */
  readonly regret: number;
  /** Changes of the served model, and those to one that is no better. */
  readonly promotions: number;
  readonly falsePromotions: number;
  /** Of all compute in the second half: checks / (checks + experiments). A check counts as a whole experiment, and one that retraces the claim as two. */
  readonly checkShare: number;
}

export const FLEET_SLOTS = ['crypto_1h/BTC', 'crypto_1h/ETH'];

export async function runFleet(
  {
    owners,
    seed,
    days,
    rules,
    world,
  }: { owners: readonly Owner[]; seed: number; days: number; rules: Rules; world: World },
  afterRound: (day: number) => Promise<void> = async () => undefined,
): Promise<FleetResult> {
  const u = seeded(seed);
  const reference = FLEET_SLOTS.map((slot) => world.make(slot, 0));
  await rules.open(reference);
  const served = new Map(reference.map((m) => [m.slot, m]));
  const made = new Map<string, number>();
  const joined = new Set<string>();
  const [settled, total] = [Math.floor(days / 2), { regret: 0, promotions: 0, wrong: 0, checks: 0, cost: 0 }];
  for (let day = 0; day < days; day++) {
    const told = new Map<string, Told[]>();
    for (const slot of FLEET_SLOTS) told.set(slot, await rules.told(slot));
    const stated: (Stated & { by: string })[] = [];
    for (const owner of owners.filter((o) => o.from <= day)) {
      const seat = owner.class === 'whitewasher' ? { ...owner, name: `${owner.name}-${day}` } : owner;
      if (!joined.has(seat.name)) {
        joined.add(seat.name);
        await rules.join(seat);
      }
      if (owner.role !== 'explorer') continue;
      for (let i = 0; i < owner.claims; i++) {
        const n = made.get(owner.name) ?? 0;
        made.set(owner.name, n + 1);
        const slot = FLEET_SLOTS[Math.floor(u() * FLEET_SLOTS.length)]!;
        const scene = { world, day, u, told: told.get(slot)!, slot, made: n };
        stated.push({ ...claimOf(seat, scene), by: seat.name });
      }
    }
    const checks = await rules.round(day, stated);
    if (day >= settled) {
      total.checks += checks;
      total.cost += stated.reduce((sum, s) => sum + s.cost, 0);
    }
    for (const slot of FLEET_SLOTS) {
      const [before, now] = [served.get(slot)!, await rules.champion(slot)];
      if (now.artifact !== before.artifact) {
        total.promotions++;
        if (now.gain <= before.gain) total.wrong++;
      }
      served.set(slot, now);
      total.regret += BEST_GAIN - now.gain;
    }
    await afterRound(day);
  }
  return {
    regret: total.regret / days / FLEET_SLOTS.length,
    promotions: total.promotions,
    falsePromotions: total.wrong,
    checkShare: total.checks / (total.checks + total.cost),
  };
}
