// The local validator: asks on the market clock, judges, waits for the horizon, scores the field and pays it by the
// subnet's rule. It stands for the subnet in a replay; it knows nothing of the swarm but the miner's address.
import { BarReader, marketNow, readClock } from '../../blackboard/market.js';
import { type Offload, offload } from '../../forecast/offload.js';
import type { MinerContext, MinerProcess } from '../context.js';
import { Asking, duePrompts } from './asking.js';
import { Paying } from './paying.js';
import { PendingPrompts } from './pending.js';
import { Scoring } from './scoring.js';
import type { ValidatorJobs } from './worker.js';

const TICK_MS = 50;
const PAY_EVERY_S = 4 * 3600;
const HISTORY_DAYS = 40;
const LATE_WALL_S = 5;
const REPORT_MS = 60_000;
/** Prompts in flight at once; more wait their turn. */
const IN_FLIGHT = 4;

export async function openValidator(
  context: MinerContext,
  options: { target: string; directory: string },
): Promise<MinerProcess> {
  // Two threads: an answer that came in time is never judged late because a score is being computed.
  const open = (): Offload<ValidatorJobs> => offload<ValidatorJobs>(new URL('./worker.js', import.meta.url));
  const judging = open();
  const counting = open();
  const pending = new PendingPrompts(options.directory);
  await pending.load();
  const paying = new Paying(context);
  await paying.load();
  const opened_s = context.clock.market_now.getTime() / 1000;
  const bars = new BarReader(context.db, opened_s - HISTORY_DAYS * 86_400);
  const asking = new Asking(context, judging, pending, options.target);
  const scoring = new Scoring(context, counting, pending, bars, paying);
  await scoring.load(opened_s);
  let asked_s = opened_s;
  let paid_s = opened_s;
  const flying = new Set<Promise<void>>();
  const queue: ReturnType<typeof duePrompts> = [];
  // A prompt that is not sent within this stretch of market time is not sent at all, as a validator that overruns skips.
  let late_s = Number.POSITIVE_INFINITY;
  let skipped = 0;
  let reported_ms = Date.now();

  const fly = (): void => {
    while (flying.size < IN_FLIGHT && queue.length > 0 && !context.stopping.aborted) {
      if (queue[0]!.request_s < asked_s - late_s) {
        queue.shift();
        skipped += 1;
        continue;
      }
      const flight = asking
        .ask(queue.shift()!)
        .catch((error) => context.log.error({ err: error }, 'a prompt was lost'))
        .finally(() => {
          flying.delete(flight);
          fly();
        });
      flying.add(flight);
    }
  };

  return {
    async step() {
      const clock = await readClock(context.db);
      const now_s = clock.market_now.getTime() / 1000;
      late_s = 120 + LATE_WALL_S * clock.speed;
      queue.push(...duePrompts(context, asked_s, now_s));
      asked_s = now_s;
      fly();
      const worked = await scoring.scoreDue(now_s);
      if (now_s - paid_s >= PAY_EVERY_S) {
        await paying.pay(now_s);
        paid_s = now_s;
      }
      if (skipped > 0 && Date.now() - reported_ms > REPORT_MS) {
        await context.alert(
          'warning',
          'SWARM_W_OVERLOADED',
          `${skipped} prompts were skipped: this machine is too slow for ${clock.speed}x`,
        );
        skipped = 0;
        reported_ms = Date.now();
      }
      if (!worked) await context.bell.wait(TICK_MS, context.stopping);
      return true;
    },
    async close() {
      await Promise.allSettled(flying);
      try {
        await paying.pay((await marketNow(context.db)).getTime() / 1000);
      } finally {
        await Promise.all([judging.close(), counting.close()]);
      }
    },
  };
}
