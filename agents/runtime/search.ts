// One experiment from briefing to claim: wake -> briefing -> decision -> spec -> novelty -> lease -> fit -> score ->
// artifact -> claim. Every exit leaves a row: an experiment, a claim, or an attempt with its reason and its cost.

import { takeLease } from '../../blackboard/lease.js';
import { BarReader, marketNow } from '../../blackboard/market.js';
import { canonicalJson } from '../../forecast/canonical.js';
import { specDigest } from '../../forecast/families/index.js';
import { type Offload, offload } from '../../forecast/offload.js';
import { type Rng, rng as seeded } from '../../forecast/rng.js';
import { windowStarts } from '../../forecast/windows.js';
import { type Briefing, brief } from '../../trust/briefing.js';
import { clearestPattern, type Observed } from '../strategist/observe.js';
import type { Proposal, Strategist } from '../strategist/strategist.js';
import type { ExperimentResult } from '../trainer/experiment.js';
import type { TrainerJobs } from '../trainer/worker.js';
import type { AgentContext } from './context.js';
import { CODE_VERSION } from './context.js';
import type { Agent } from './life.js';
import { type SlotView, slotData, slotView } from './slot.js';
import { DAY_S, dayOf, lookbackBars, slotPlan } from './windows.js';

export interface SearchOptions {
  readonly strategist: Strategist;
  /** Added to every claimed gain: 0 for an honest agent. A saboteur of the fleet test adds 0.2. */
  readonly overclaim: number;
}

const TRIES = 20;
const STATE_EVERY = 8;

export async function openSearch(context: AgentContext, options: SearchOptions): Promise<Agent> {
  const trainer = offload<TrainerJobs>(new URL('../trainer/worker.js', import.meta.url));
  const now_s = (await marketNow(context.db)).getTime() / 1000;
  const bars = new BarReader(context.db, now_s - context.constants('history_days') * DAY_S);
  // Continue the count where an earlier life ended: the seed of a decision never repeats.
  const made = await context.db
    .selectFrom('board.decision')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .where('agent_id', '=', context.who.id)
    .executeTakeFirstOrThrow();
  let count = made.n;
  return {
    async step() {
      const searcher = new Search(context, options, trainer, bars, count++);
      return searcher.run();
    },
    close: () => trainer.close(),
  };
}

/** One decision and what came of it. */
class Search {
  readonly #rng: Rng;
  readonly #seed: string;

  constructor(
    readonly context: AgentContext,
    readonly options: SearchOptions,
    readonly trainer: Offload<TrainerJobs>,
    readonly bars: BarReader,
    readonly index: number,
  ) {
    this.#seed = `${context.seed}/${context.who.name}/${index}`;
    this.#rng = seeded(this.#seed);
  }

  async run(): Promise<boolean> {
    const { context } = this;
    const started = Date.now();
    const open = context.clock.slots;
    const view = slotView(context.profile, open[this.#rng.int(open.length)]!);
    const briefing = await brief(context.db, view.slot, () => this.#rng.uniform());
    const as_of_s = dayOf(await marketNow(context.db));
    const { proposal, known } = await this.#propose(view, briefing, as_of_s);
    const decision_id = await this.#recordDecision(view.slot, briefing, proposal);
    const fail = (stage: string, error: unknown): Promise<boolean> =>
      this.#recordFailure(decision_id, view.slot, stage, error, Date.now() - started);
    if (known)
      return fail('novelty', {
        code: 'SWARM_E_NOT_NOVEL',
        message: `${TRIES} proposals in a row were known already`,
      });

    const lease = await takeLease(
      context.db,
      `experiment:${view.slot}:${specDigest(proposal.spec)}:${as_of_s}`,
    );
    if (lease === null)
      return fail('lease', { code: 'SWARM_E_LEASED', message: 'another agent is running this experiment' });
    try {
      const plan = slotPlan(context.constants, view.competition, as_of_s);
      let result: ExperimentResult;
      try {
        const series = await this.bars.series(view.asset, view.step);
        result = await this.trainer.call('experiment', {
          ...slotData(context, view, series, plan),
          spec: proposal.spec,
          data_cutoff_s: plan.data_cutoff_s,
          train_bars: plan.train_bars,
          starts: windowStarts(plan.public.from_s, plan.public.to_s, plan.windows),
          min_windows: context.constants('min_windows'),
        });
      } catch (error) {
        return await fail('fit', error);
      }
      lease.signal.throwIfAborted();
      const digest = await context.store.put(result.artifact);
      if (digest !== result.digest)
        throw new Error(`the store named ${digest} what the trainer named ${result.digest}`);
      await this.#record({
        view,
        decision_id,
        proposal,
        result,
        as_of_s,
        data_cutoff_s: plan.data_cutoff_s,
        work_id: lease.work_id,
        fence: lease.fence,
        cost_ms: Date.now() - started,
      });
      if (this.index % STATE_EVERY === STATE_EVERY - 1) await this.#statePattern(view.slot);
      return true;
    } finally {
      await lease.giveBack();
    }
  }

  /** A proposal that nobody has tried on this slot and day, or the last one tried when luck runs out. */
  async #propose(
    view: SlotView,
    briefing: Briefing,
    as_of_s: number,
  ): Promise<{ proposal: Proposal; known: boolean }> {
    const task = {
      asset: view.asset,
      horizon_s: view.competition.length_s,
      step_s: view.step,
      max_history_bars: lookbackBars(this.context.constants, view.step),
    };
    let proposal = this.options.strategist.propose(briefing, task, this.#rng);
    for (let tries = 1; ; tries++) {
      const twin = await this.context.db
        .selectFrom('board.experiment')
        .select('id')
        .where('slot', '=', view.slot)
        .where('spec_digest', '=', specDigest(proposal.spec))
        .where('as_of', '=', new Date(as_of_s * 1000))
        .limit(1)
        .executeTakeFirst();
      if (twin === undefined) return { proposal, known: false };
      if (tries === TRIES) return { proposal, known: true };
      proposal = this.options.strategist.propose(briefing, task, this.#rng);
    }
  }

  async #recordDecision(slot: string, briefing: Briefing, proposal: Proposal): Promise<string> {
    const { context } = this;
    const told = context.stamp();
    const made = context.stamp();
    await context.bell.settle(context.db, async (trx) => {
      await trx
        .insertInto('board.briefing')
        .values({ ...told, slot, seed: this.#seed, items: JSON.stringify(briefing.items) })
        .execute();
      await trx
        .insertInto('board.decision')
        .values({
          ...made,
          briefing_id: told.id,
          slot,
          strategist: this.options.strategist.name,
          move: proposal.move,
          parent_digests: [...proposal.parents],
          spec: canonicalJson(proposal.spec),
          spec_digest: specDigest(proposal.spec),
          seed: this.#seed,
          reason: proposal.reason,
        })
        .execute();
    });
    return made.id;
  }

  async #recordFailure(
    decision_id: string,
    slot: string,
    stage: string,
    error: unknown,
    cost_ms: number,
  ): Promise<boolean> {
    const { code, message } = error as { code?: string; message: string };
    this.context.log.info({ slot, stage, code }, message);
    await this.context.db
      .insertInto('board.attempt')
      .values({
        ...this.context.stamp(),
        decision_id,
        slot,
        stage,
        code: code ?? 'SWARM_E_UNEXPECTED',
        reason: message.slice(0, 2000),
        cost_ms,
      })
      .execute();
    return true;
  }

  async #record(done: {
    view: SlotView;
    decision_id: string;
    proposal: Proposal;
    result: ExperimentResult;
    as_of_s: number;
    data_cutoff_s: number;
    work_id: string;
    fence: number;
    cost_ms: number;
  }): Promise<void> {
    const { context } = this;
    const { result, proposal, view, work_id, fence } = done;
    const shared = {
      slot: view.slot,
      family: proposal.spec.family,
      spec: canonicalJson(proposal.spec),
      spec_digest: specDigest(proposal.spec),
      as_of: new Date(done.as_of_s * 1000),
      data_cutoff: new Date(done.data_cutoff_s * 1000),
      dataset_digest: context.clock.dataset_digest,
      windows_digest: result.windows_digest,
      n_windows: result.n_windows,
      seed: this.#seed,
      code_version: CODE_VERSION,
      artifact: result.digest,
      mean_crps: result.mean_crps,
    };
    const run = context.stamp();
    const promising = this.options.overclaim !== 0 || (await this.#promising(view.slot, result));
    const claim = {
      ...shared,
      ...context.stamp(),
      experiment_id: run.id,
      claimed_gain: result.gain + this.options.overclaim,
      claimed_se: result.se,
    };
    await context.bell.settle(context.db, async (trx) => {
      await trx
        .insertInto('board.experiment')
        .values({
          ...shared,
          ...run,
          decision_id: done.decision_id,
          yardstick_crps: result.yardstick_crps,
          gain: result.gain,
          se: result.se,
          cost_ms: done.cost_ms,
          work_id,
          fence,
        })
        .execute();
      if (promising)
        await trx
          .insertInto('board.claim')
          .values({ ...claim, signature: context.sign('claim', claim), work_id, fence })
          .execute();
    });
    context.log.info(
      {
        slot: view.slot,
        family: shared.family,
        gain: result.gain,
        se: result.se,
        claimed: promising,
        ms: done.cost_ms,
      },
      'experiment',
    );
  }

  /** Worth a checker's time: within one standard error of the best verified gain of the slot. */
  async #promising(slot: string, result: ExperimentResult): Promise<boolean> {
    const best = await this.context.db
      .selectFrom('trust.known_spec')
      .select((eb) => eb.fn.max('verified_gain').as('gain'))
      .where('slot', '=', slot)
      .executeTakeFirst();
    return result.gain + result.se > Math.max(0, best?.gain ?? 0);
  }

  async #statePattern(slot: string): Promise<void> {
    const { context } = this;
    const mine = (await context.db
      .selectFrom('board.experiment')
      .select(['family', 'spec', 'gain'])
      .where('agent_id', '=', context.who.id)
      .where('slot', '=', slot)
      .orderBy('at', 'desc')
      .limit(100)
      .execute()) as unknown as Observed[];
    const pattern = clearestPattern(mine);
    if (pattern === null) return;
    const said = await context.db
      .selectFrom('board.pattern')
      .select('id')
      .where('agent_id', '=', context.who.id)
      .where('slot', '=', slot)
      .where('family', '=', pattern.family)
      .where('knob', 'is not distinct from', pattern.knob)
      .limit(1)
      .executeTakeFirst();
    if (said === undefined)
      await context.db
        .insertInto('board.pattern')
        .values({ ...context.stamp(), slot, ...pattern })
        .execute();
  }
}
