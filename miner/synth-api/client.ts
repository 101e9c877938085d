// The subnet's public API, as far as a miner needs it: the scores of the latest scored prompt, of every miner.
// Promises: an answer is checked before it is believed; errors name the URL. Contract: api.synthdata.co, as its public
// pages describe it; tested against that, not run live. Leaves to others: waiting and retrying (prices/sources/http.ts).
import { z } from 'zod';
import { type Requester, requester, type Surroundings } from '../prices/sources/http.js';

export const SYNTH_API = 'https://api.synthdata.co';

const score = z.object({
  asset: z.string(),
  miner_uid: z.number().int().min(0).max(65_535),
  /** -1 for an answer that was invalid. */
  crps: z.number(),
  prompt_score: z.number().nullish(),
  scored_time: z.string().refine((text) => Number.isFinite(Date.parse(text)), 'no date'),
  time_length: z.number().int().positive(),
});

export type PublicScore = z.infer<typeof score>;

export interface Competition {
  readonly asset: string;
  readonly length_s: number;
  readonly increment_s: number;
}

/** One request a second, and ten minutes of rest when it says that this is too much. */
const PACE = { spacing_ms: 1000, limited_ms: 600_000 };

export class SynthApi {
  readonly #requester: Requester;

  constructor(
    readonly base: string,
    world: Surroundings,
  ) {
    this.#requester = requester(PACE, world);
  }

  /** Every miner's score on the prompt that was scored last; empty when there is none yet. */
  async latest({ asset, length_s, increment_s }: Competition): Promise<PublicScore[]> {
    const query = new URLSearchParams({
      asset,
      time_length: String(length_s),
      time_increment: String(increment_s),
    });
    const url = `${this.base}/validation/scores/latest?${query}`;
    const scores = await this.#requester.ask({ url }, z.array(score).max(4096));
    // What is of another competition, whatever was asked, would be compared with the wrong field.
    return scores.filter((one) => one.asset === asset && one.time_length === length_s);
  }
}
