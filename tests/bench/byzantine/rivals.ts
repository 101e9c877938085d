// What others do instead of checking on data that nobody saw, on the same fleets: count who confirms, average what is said, or take the
// best claim at its word. Who confirms has run the model on the public windows, unless it is dishonest: then it says what helps its own.
import type { Rules, Seat, Spent } from './fleet.js';
import type { Stated, Told } from './owners.js';
import { type Model, STATED_SE, type World } from './world.js';

type Claimed = Stated & { by: string; score: number; worth: number };

/** Owners asked about every claim; the dishonest also answer unasked. */
const ASKED = 3;
const ENOUGH = 3;

export type Rival = 'confirmation counting' | 'unweighted mean' | 'no checking';

export class RivalRules implements Rules {
  readonly #seats: Seat[] = [];
  readonly #served = new Map<string, { model: Model; worth: number }>();
  readonly #known = new Map<string, Claimed[]>();

  constructor(
    readonly rival: Rival,
    readonly world: World,
    readonly u: () => number,
  ) {}

  async open(reference: readonly Model[]): Promise<void> {
    for (const model of reference) this.#served.set(model.slot, { model, worth: 0 });
  }

  async join(seat: Seat): Promise<void> {
    this.#seats.push(seat);
  }

  async told(slot: string): Promise<Told[]> {
    return (this.#known.get(slot) ?? [])
      .slice(0, 48)
      .map((c) => ({ model: c.model, owner: c.by, gain: c.worth }));
  }

  async round(day: number, stated: readonly (Stated & { by: string })[]): Promise<Spent> {
    let asked = 0;
    for (const claim of stated) {
      const said = this.rival === 'no checking' ? [] : this.#answers(claim, day);
      asked += said.filter((s) => s.ran).length;
      const gains = [claim.gain, ...said.map((s) => s.gain)];
      const judged = {
        ...claim,
        score: this.rival === 'no checking' ? ENOUGH : said.filter((s) => s.confirms).length,
        worth:
          this.rival === 'unweighted mean' ? gains.reduce((a, b) => a + b, 0) / gains.length : claim.gain,
      };
      const { slot } = claim.model;
      if (this.rival === 'unweighted mean' || judged.score >= ENOUGH) {
        this.#known.set(
          slot,
          [...(this.#known.get(slot) ?? []), judged].sort((a, b) => b.worth - a.worth),
        );
        if (judged.worth > this.#served.get(slot)!.worth)
          this.#served.set(slot, { model: claim.model, worth: judged.worth });
      }
    }
    return { asked };
  }

  async champion(slot: string): Promise<Model> {
    return this.#served.get(slot)!.model;
  }

  #answers(claim: Stated & { by: string }, day: number): { gain: number; confirms: boolean; ran: boolean }[] {
    const isHonest = (s: Seat): boolean => s.class === 'honest' || s.class === 'newcomer';
    const others = this.#seats.filter((s) => s.name !== claim.by);
    const author = this.#seats.find((s) => s.name === claim.by)!;
    const honest = others.filter(isHonest);
    const measured = this.world.measuredByAuthor(claim.model, day);
    const ran = Array.from(
      { length: Math.min(ASKED, honest.length) },
      () => others[Math.floor(this.u() * others.length)]!,
    )
      .filter(isHonest)
      .map(() => ({ gain: measured, confirms: claim.gain - measured <= 2 * STATED_SE, ran: true }));
    const friends = isHonest(author) ? [] : others.filter((s) => !isHonest(s) && s.class !== 'whitewasher');
    return [...ran, ...friends.map(() => ({ gain: claim.gain, confirms: true, ran: false }))];
  }
}
