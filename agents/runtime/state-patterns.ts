// What an agent says of a slot now and then: the clearest split of its own experiments, and what verdicts show of everybody's.
// Promises: nothing is said twice of one family and knob; what is mined is said by whoever finds it first.
// Leaves to others: whether anybody is told it (trust/briefing.ts).
import { minePatterns, type Verified } from '../strategist/mine.js';
import { clearestPattern, type Observed, type StatedPattern } from '../strategist/observe.js';
import type { AgentContext } from './context.js';

const OWN = 100;
const JUDGED = 500;
/** Said at one time: the next ones are found again. */
const AT_ONCE = 3;

type By = Pick<AgentContext, 'db' | 'who' | 'stamp'>;

export async function statePatterns(by: By, slot: string): Promise<void> {
  const own = (await by.db
    .selectFrom('board.experiment')
    .select(['family', 'spec', 'gain'])
    .where('agent_id', '=', by.who.id)
    .where('slot', '=', slot)
    .orderBy('at', 'desc')
    .limit(OWN)
    .execute()) as unknown as Observed[];
  const clearest = clearestPattern(own);
  if (clearest !== null && !(await isSaid(by, slot, clearest, by.who.id))) await say(by, slot, clearest, '');
  let said = 0;
  for (const { p, ...pattern } of minePatterns(await judged(by, slot))) {
    if (said === AT_ONCE) break;
    if (await isSaid(by, slot, pattern)) continue;
    await say(by, slot, pattern, `mined from verdicts, p ${p.toPrecision(2)}`);
    said += 1;
  }
}

async function judged({ db }: By, slot: string): Promise<Verified[]> {
  const rows = await db
    .selectFrom('trust.verified_spec')
    .select(['family', 'spec', 'spec_digest', 'as_of', 'verified_gain'])
    .where('slot', '=', slot)
    .orderBy('judged_at', 'desc')
    .orderBy('claim_id')
    .limit(JUDGED)
    .execute();
  return rows.map((r) => ({
    family: r.family!,
    spec: r.spec as unknown as Verified['spec'],
    spec_digest: r.spec_digest!,
    day: r.as_of!.toISOString(),
    gain: r.verified_gain!,
  }));
}

/** Whether somebody, or one agent, has spoken of the family and knob. */
async function isSaid({ db }: By, slot: string, pattern: StatedPattern, agent?: string): Promise<boolean> {
  const known = await db
    .selectFrom('board.pattern')
    .select('id')
    .where('slot', '=', slot)
    .where('family', '=', pattern.family)
    .where('knob', 'is not distinct from', pattern.knob)
    .$if(agent !== undefined, (q) => q.where('agent_id', '=', agent!))
    .limit(1)
    .executeTakeFirst();
  return known !== undefined;
}

async function say({ db, stamp }: By, slot: string, pattern: StatedPattern, note: string): Promise<void> {
  await db
    .insertInto('board.pattern')
    .values({ ...stamp(), slot, ...pattern, note })
    .execute();
}
