// Sending prompts: the profile's schedule on the market clock, the subnet's JSON over HTTP, the verdict on what comes back.
// Deadlines are wall time: a replay compresses the market, not the miner's computer.
import { debugPoint } from '../../blackboard/debug-point.js';
import { uuid7 } from '../../blackboard/ids.js';
import type { Offload } from '../../forecast/offload.js';
import type { MinerContext } from '../context.js';
import { type PromptFacts, promptId } from '../serving/ledger.js';
import { findCompetition, parseSlot, slotId } from '../sn50/profile.js';
import { formatStart, type Prompt } from '../sn50/prompt.js';
import { type DuePrompt, promptSchedule } from '../sn50/schedule.js';
import type { Pending, PendingPrompts } from './pending.js';
import type { ValidatorJobs } from './worker.js';

/** The local validator's name, where a real one has its hotkey. */
export const VALIDATOR = 'local-validator';

/** A kept prompt as the blackboard knows it. */
export const factsOf = (one: Pending): PromptFacts => ({
  validator: VALIDATOR,
  slot: one.slot,
  competition: one.competition,
  start_s: one.start_s,
  prompt: {
    asset: one.asset,
    start_time: formatStart(one.start_s),
    time_increment: one.increment_s,
    time_length: one.length_s,
    num_simulations: one.simulations,
  },
});

interface Due extends DuePrompt {
  readonly competition: string;
}

/** Everything due in (from_s, to_s] for the open slots, in time order. */
export function duePrompts(
  context: Pick<MinerContext, 'profile' | 'clock'>,
  from_s: number,
  to_s: number,
): Due[] {
  const open = context.clock.slots.map(parseSlot);
  return [...new Set(open.map((s) => s.competition))]
    .flatMap((competition) => {
      const assets = open.filter((s) => s.competition === competition).map((s) => s.asset);
      return promptSchedule(context.profile, competition, assets)
        .promptsDue(from_s, to_s)
        .map((due) => ({ ...due, competition }));
    })
    .sort((a, b) => a.request_s - b.request_s);
}

export class Asking {
  #sequence = Date.now();

  constructor(
    readonly context: MinerContext,
    readonly thread: Offload<ValidatorJobs>,
    readonly pending: PendingPrompts,
    readonly target: string,
  ) {}

  /** Sends one prompt, has the answer judged, and keeps it for scoring. */
  async ask(due: Due): Promise<void> {
    const { context } = this;
    const rules = findCompetition(context.profile, due.competition);
    const sequence = this.#sequence++;
    const slot = slotId(due.competition, due.asset);
    const prompt: Prompt = {
      asset: due.asset,
      start_time: formatStart(due.start_s),
      time_increment: rules.increment_s,
      time_length: rules.length_s,
      num_simulations: rules.num_simulations,
    };
    const id = uuid7();
    const { body, process_time } = await this.#send(prompt, due.start_s - due.request_s);
    // Cut off by our own end: that says nothing of the miner.
    if (body === null && context.stopping.aborted) return;
    const validation = await this.thread.call('judge', {
      body,
      prompt,
      process_time,
      rule: context.profile.response_rule,
      file: this.pending.answerFile(id),
    });
    if (validation !== 'CORRECT') context.log.warn({ slot, validation }, 'invalid answer');
    await debugPoint('prompt.judged');
    // Kept before the row is written: with the database away the answer still waits for its horizon.
    const one = {
      id,
      sequence,
      slot,
      competition: due.competition,
      asset: due.asset,
      start_s: due.start_s,
      length_s: rules.length_s,
      increment_s: rules.increment_s,
      simulations: rules.num_simulations,
      validation,
    };
    await this.pending.add(one);
    await debugPoint('prompt.noted');
    context.log.debug({ slot, prompt: await promptId(context, factsOf(one)) }, 'asked');
  }

  async #send(
    prompt: Prompt,
    timeout_s: number,
  ): Promise<{ body: string | null; process_time: number | null }> {
    const started = performance.now();
    try {
      const response = await fetch(`http://${this.target}/Simulation`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          name: 'Simulation',
          timeout: String(timeout_s),
          bt_header_dendrite_hotkey: VALIDATOR,
        },
        body: JSON.stringify({
          name: 'Simulation',
          timeout: 12,
          simulation_input: prompt,
          simulation_output: null,
        }),
        signal: AbortSignal.any([AbortSignal.timeout(timeout_s * 1000), this.context.stopping]),
      });
      const body = await response.text();
      if (!response.ok) return { body: null, process_time: null };
      return { body, process_time: (performance.now() - started) / 1000 };
    } catch (error) {
      this.context.log.warn({ err: error }, 'the miner did not answer');
      return { body: null, process_time: null };
    }
  }
}
