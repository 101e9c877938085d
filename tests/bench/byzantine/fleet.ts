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
  /** Takes a day's claims; returns what checks of them cost, in experiments, by what they were for. */
  round(day: number, stated: readonly (Stated & { by: string })[]): Promise<Spent>;
  champion(slot: string): Promise<Model>;
  /** Largest true gain of a slot among models that were judged, and among those that challenged or served. */
  reached?(slot: string): { readonly judged: number; readonly admitted: number };
}

export type Spent = Readonly<Record<string, number>>;

/**
 * Where regret comes from: the largest true gain is not found by anybody yet, found only by owners who are not honest, not judged yet,
 * not admitted to the shadow, not promoted.
 */
export type Causes = Readonly<Record<'search' | 'liars' | 'checks' | 'screen' | 'shadow', number>>;

export interface FleetResult {
  /** Mean over slots and days of what the served model's true gain lacks. */
  readonly regret: number;
  /** Changes of the served model, and those to one that is no better. */
  readonly promotions: number;
  readonly falsePromotions: number;
  /** The same by cause; it adds up to regret. */
  readonly causes: Causes | null;
  /** Of all compute in the second half: checks / (checks + experiments). A check counts as a whole experiment, and one that retraces the claim as two. */
  readonly checkShare: number;
  /** The same by what checks are for; it adds up to checkShare. */
  readonly spent: Spent;
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
  const [settled, total] = [Math.floor(days / 2), { regret: 0, promotions: 0, wrong: 0, cost: 0 }];
  const spent = new Map<string, number>();
  const causes = { search: 0, liars: 0, checks: 0, screen: 0, shadow: 0 };
  const found = new Map(reference.map((m) => [m.slot, m.gain]));
  const byHonest = new Map(found);
  const honest = new Set(
    owners.filter((o) => o.class === 'honest' || o.class === 'newcomer').map((o) => o.name),
  );
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
    for (const { model, by } of stated)
      for (const best of honest.has(by) ? [found, byHonest] : [found])
        best.set(model.slot, Math.max(best.get(model.slot)!, model.gain));
    const checks = await rules.round(day, stated);
    if (day >= settled) {
      for (const [what, cost] of Object.entries(checks)) spent.set(what, (spent.get(what) ?? 0) + cost);
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
      const reached = rules.reached?.(slot);
      if (reached === undefined) continue;
      causes.search += BEST_GAIN - found.get(slot)!;
      const usable = Math.max(byHonest.get(slot)!, reached.judged);
      causes.liars += found.get(slot)! - usable;
      causes.checks += usable - reached.judged;
      causes.screen += reached.judged - reached.admitted;
      causes.shadow += reached.admitted - now.gain;
    }
    await afterRound(day);
  }
  const perDay = <K extends string>(of: Readonly<Record<K, number>>): Record<K, number> =>
    mapped(of, (sum) => sum / days / FLEET_SLOTS.length);
  const checks = [...spent.values()].reduce((a, b) => a + b, 0);
  return {
    regret: total.regret / days / FLEET_SLOTS.length,
    promotions: total.promotions,
    falsePromotions: total.wrong,
    causes: rules.reached === undefined ? null : perDay(causes),
    checkShare: checks / (checks + total.cost),
    spent: mapped(Object.fromEntries(spent), (cost) => cost / (checks + total.cost)),
  };
}

/** The same keys with each value changed. */
const mapped = <K extends string>(
  of: Readonly<Record<K, number>>,
  change: (value: number, key: K) => number,
): Record<K, number> =>
  Object.fromEntries(
    (Object.entries(of) as [K, number][]).map(([key, value]) => [key, change(value, key)]),
  ) as Record<K, number>;
