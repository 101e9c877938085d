// One experiment from briefing to claim: wake -> briefing -> decision -> spec -> novelty -> lease -> fit -> score ->
// artifact -> claim. Every exit leaves a row: an experiment, a claim, or an attempt with its reason and its cost.

import { isTransient } from '../../blackboard/db.js';
import { debugPoint } from '../../blackboard/debug-point.js';
import { pause } from '../../blackboard/events/doorbell.js';
import type { Lease } from '../../blackboard/lease.js';
import { BarReader, type BarSeries, marketNow } from '../../blackboard/market.js';
import { peersOf } from '../../forecast/asset-class.js';
import { isPooled, type Spec, specDigest } from '../../forecast/families/index.js';
import { type Offload, offload } from '../../forecast/offload.js';
import { type Rng, rng as seeded } from '../../forecast/rng.js';
import { windowStarts } from '../../forecast/windows.js';
import { parseSlot } from '../../miner/sn50/profile.js';
import { type Briefing, brief } from '../../trust/briefing.js';
import { type Antipattern, antipatterns } from '../strategist/antipatterns.js';
import type { Proposal, Strategist } from '../strategist/strategist.js';
import type { ExperimentInput, ExperimentResult } from '../trainer/experiment.js';
import type { TrainerJobs } from '../trainer/worker.js';
import type { AgentContext } from './context.js';
import { archiveOf, failuresOf, isNewSpec, openDesk } from './desk.js';
import { keepArtifact } from './keep.js';
import type { Agent } from './life.js';
import { type Author, claimBar, recordDecision, recordExperiment, recordFailure } from './search-records.js';
import { type SlotView, slotData, slotView } from './slot.js';
import { statePatterns } from './state-patterns.js';
import { DAY_S, dayOf, lookbackBars, slotPlan } from './windows.js';
import { takeWork } from './work.js';

export interface SearchOptions {
  readonly strategist: Strategist;
  /** Added to every claimed gain: 0 for an honest agent. A saboteur of the fleet test adds 0.2. */
  readonly overclaim: number;
}

const TRIES = 20;
/** How much of what was tried on a slot a decision is given. */
const ARCHIVE = 300;
const FAILURES = 200;
const NOTE_EVERY = 8;
/** Rest after a decision that came to nothing: what failed now fails again at once. */
const REST_MS = 1000;

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
  const left = await context.db
    .selectFrom('board.archived')
    .select('n')
    .where('name', '=', 'decision of')
    .where('key', '=', context.who.id)
    .executeTakeFirst();
  let count = made.n + (left?.n ?? 0);
  return {
    async step() {
      const came = await new Search(context, options, trainer, bars, count++).run();
      if (!came) await pause(REST_MS, context.stopping);
      return true;
    },
    close: () => trainer.close(),
  };
}

/** One decision and what came of it. */
class Search {
  readonly #rng: Rng;
  readonly #author: Author;
  #avoid: readonly Antipattern[] = [];

  constructor(
    readonly context: AgentContext,
    readonly options: SearchOptions,
    readonly trainer: Offload<TrainerJobs>,
    readonly bars: BarReader,
    readonly index: number,
  ) {
    const seed = `${context.seed}/${context.who.name}/${index}`;
    this.#author = { context, ...options, seed };
    this.#rng = seeded(seed);
  }

  /** False when it came to nothing; the reason is a row then. */
  async run(): Promise<boolean> {
    const { context } = this;
    const started = Date.now();
    const open = context.clock.slots;
    const view = slotView(context.profile, open[this.#rng.int(open.length)]!);
    const briefing = await brief(context.db, view.slot, () => this.#rng.uniform());
    const as_of_s = dayOf(await marketNow(context.db));
    const { proposal, known } = await this.#propose(view, briefing, as_of_s);
    context.log.info(
      {
        slot: view.slot,
        specs: briefing.specs.length,
        patterns: briefing.patterns.length,
        champion: briefing.champion?.family,
        tokens: briefing.tokens,
      },
      'briefing',
    );
    context.log.info(
      { by: proposal.by, move: proposal.move, spec: proposal.spec, reason: proposal.reason },
      'proposal',
    );
    const decision_id = await recordDecision(this.#author, view.slot, briefing, proposal);
    await debugPoint('decision.after-commit');
    const fail = (stage: string, error: unknown): Promise<boolean> =>
      recordFailure(this.#author, decision_id, view.slot, stage, error, Date.now() - started);
    if (known)
      return fail('novelty', {
        code: 'SWARM_E_NOT_NOVEL',
        message: `${TRIES} proposals in a row were known already`,
      });

    const lease = await takeWork(context, `experiment:${view.slot}:${specDigest(proposal.spec)}:${as_of_s}`);
    if (lease === null)
      return fail('lease', { code: 'SWARM_E_LEASED', message: 'another agent is running this experiment' });
    try {
      await debugPoint('experiment.leased');
      const input = await this.#setUp(view, as_of_s, proposal.spec);
      let stage = 'fit';
      try {
        const result = await this.trainer.call('experiment', {
          ...input,
          spec: proposal.spec,
          // Whoever overclaims does not ask whether a claim has hope.
          ...(this.options.overclaim === 0 && { screen: { floor: await claimBar(context, view.slot) } }),
        });
        await debugPoint('experiment.fitted');
        stage = 'artifact';
        await this.#keep(result, lease, fail);
        await debugPoint('experiment.stored');
        stage = 'record';
        await recordExperiment(this.#author, {
          view,
          decision_id,
          proposal,
          result,
          as_of_s,
          data_cutoff_s: input.data_cutoff_s,
          work_id: lease.work_id,
          fence: lease.fence,
          cost_ms: Date.now() - started,
        });
        await debugPoint('claim.after-commit');
      } catch (error) {
        if (isTransient(error)) throw error;
        return await fail(stage, error);
      }
      return true;
    } finally {
      await lease.giveBack();
      if (this.index % NOTE_EVERY === NOTE_EVERY - 1) await statePatterns(context, view.slot, this.#avoid);
    }
  }

  /** Everything of an experiment but its spec. */
  async #setUp(view: SlotView, as_of_s: number, spec: Spec): Promise<Omit<ExperimentInput, 'spec'>> {
    const { constants } = this.context;
    const plan = slotPlan(constants, view.competition, as_of_s);
    const series = await this.bars.series(view.asset, view.step);
    return {
      ...slotData(this.context, view, series, plan),
      peers: isPooled(spec) ? await this.#peers(view) : [],
      data_cutoff_s: plan.data_cutoff_s,
      train_bars: plan.train_bars,
      starts: windowStarts(plan.public.from_s, plan.public.to_s, plan.windows),
      min_windows: constants('min_windows'),
    };
  }

  /** Series of the other assets of the slot's class. */
  #peers({ asset, step }: SlotView): Promise<BarSeries[]> {
    return Promise.all(this.#peerNames(asset).map((one) => this.bars.series(one, step)));
  }

  #peerNames(asset: string): string[] {
    return peersOf(asset, [...new Set(this.context.clock.slots.map((slot) => parseSlot(slot).asset))]);
  }

  /** The artifact into the store, unless somebody else has taken the work over. */
  async #keep(
    result: ExperimentResult,
    lease: Lease,
    fail: (stage: string, error: unknown) => Promise<boolean>,
  ): Promise<void> {
    const digest = await keepArtifact(this.context, lease, result.artifact, (error) =>
      fail('artifact', error),
    );
    if (digest !== result.digest)
      throw new Error(`the store named ${digest} what the trainer named ${result.digest}`);
  }

  /** A proposal that nobody has tried on this slot and day, or the last one tried when luck runs out. */
  async #propose(
    view: SlotView,
    briefing: Briefing,
    as_of_s: number,
  ): Promise<{ proposal: Proposal; known: boolean }> {
    const archive = await archiveOf(this.context.db, view.slot, ARCHIVE);
    const failures = await failuresOf(this.context.db, view.slot, FAILURES);
    this.#avoid = antipatterns(failures, archive);
    const task = {
      asset: view.asset,
      horizon_s: view.competition.length_s,
      step_s: view.step,
      max_history_bars: lookbackBars(this.context.constants, view.step),
      peers: this.#peerNames(view.asset).length,
      archive,
      failed: failures.flatMap(({ spec }) => (spec ? [spec] : [])),
      avoid: this.#avoid,
    };
    const { strategist } = this.options;
    const desk = openDesk({
      context: this.context,
      view,
      as_of_s,
      setUp: (spec) => this.#setUp(view, as_of_s, spec),
      run: (input) => this.trainer.call('experiment', input),
    });
    let proposal = await strategist.propose(briefing, task, this.#rng, desk);
    for (let tries = 1; ; tries++) {
      if (await isNewSpec(this.context.db, view.slot, proposal.spec, as_of_s))
        return { proposal, known: false };
      if (tries === TRIES) return { proposal, known: true };
      // What was thought stays with the decision that it led to.
      const { thought, transcript } = proposal;
      const again = await (strategist.otherwise ?? strategist).propose(briefing, task, this.#rng, desk);
      proposal = {
        ...again,
        ...(strategist.otherwise && { by: strategist.otherwise.name }),
        ...(thought !== undefined && { thought }),
        ...(transcript !== undefined && { transcript }),
      };
    }
  }
}
