// How trust went, owner by owner and day by day.
import { quantile } from '../figure.js';
import type { Owner } from './owners.js';

export interface Noted {
  readonly trust: number;
  /** Judged claims; of a checker that cheats, checks that it has given unseen. */
  readonly events: number;
}

/** Judged claims, or unseen checks, after which an attack is looked at. */
const AFTER = 15;

export class Course {
  readonly #owners: readonly Owner[];
  readonly #days: ReadonlyMap<string, Noted>[] = [];

  constructor(owners: readonly Owner[]) {
    this.#owners = owners;
  }

  note(_day: number, standing: ReadonlyMap<string, Noted>): void {
    this.#days.push(new Map(standing));
  }

  /** Each class of attack: the most trusted of its owners after 15 judged claims or unseen checks, or in the end. */
  attacks(): Map<string, Noted> {
    const out = new Map<string, Noted>();
    for (const owner of this.#owners) {
      if (owner.class === 'honest' || owner.class === 'newcomer') continue;
      const name = owner.class === 'colluder' ? `colluding ${owner.role}` : owner.class;
      const noted = owner.class === 'whitewasher' ? this.#most(`${owner.name}-`) : this.#after(owner.name);
      const known = out.get(name);
      if (known === undefined || noted.trust > known.trust) out.set(name, noted);
    }
    return out;
  }

  /** Quantile over honest explorers in the end, the median unless said otherwise. */
  honestTrust(p = 0.5): number {
    const last = this.#days.at(-1)!;
    return quantile(
      this.#owners
        .filter((o) => o.class === 'honest' && o.role === 'explorer')
        .map((o) => last.get(o.name)?.trust ?? 0),
      p,
    );
  }

  /** Judged claims of the newcomer when it first had half of what settled honest owners have in the end. */
  claimsToHalf(): number {
    const newcomer = this.#owners.find((o) => o.class === 'newcomer')!.name;
    const half = this.honestTrust() / 2;
    for (const day of this.#days) {
      const noted = day.get(newcomer);
      if (noted !== undefined && noted.trust >= half) return noted.events;
    }
    return Number.POSITIVE_INFINITY;
  }

  #after(name: string): Noted {
    const days = this.#days.map((d) => d.get(name)).filter((n): n is Noted => n !== undefined);
    return days.find((n) => n.events >= AFTER) ?? days.at(-1)!;
  }

  #most(prefix: string): Noted {
    const all = this.#days.flatMap((d) =>
      [...d].filter(([name]) => name.startsWith(prefix)).map(([, n]) => n),
    );
    return all.reduce((a, b) => (b.trust > a.trust ? b : a));
  }
}
