// What an agent says of a slot now and then: the clearest split of its own experiments, what keeps failing there, and what verdicts
// show of everybody's.
// Promises: no agent says the same twice, and what is mined is said by whoever finds it first; needs no model.
// Leaves to others: whether anybody is told it (trust/briefing.ts).
import { shortText } from '../../blackboard/text.js';
import type { Antipattern } from '../strategist/antipatterns.js';
import { lessonOf } from '../strategist/catalogue.js';
import { minePatterns, type Verified } from '../strategist/mine.js';
import { clearestPattern, type Observed, type StatedPattern } from '../strategist/observe.js';
import type { AgentContext } from './context.js';

const OWN = 100;
const JUDGED = 500;
/** Said at one time: the next ones are found again. */
const AT_ONCE = 3;
/** What blackboard rows take for a knob: one of a component has a path, and stays with who found it. */
const PLAIN = /^[a-z_]{1,40}$/;

type By = Pick<AgentContext, 'db' | 'who' | 'stamp'>;

export async function statePatterns(by: By, slot: string, avoid: readonly Antipattern[] = []): Promise<void> {
  const own = (await by.db
    .selectFrom('board.experiment')
    .select(['family', 'spec', 'gain'])
    .where('agent_id', '=', by.who.id)
    .where('slot', '=', slot)
    .orderBy('at', 'desc')
    .limit(OWN)
    .execute()) as unknown as Observed[];
  const clearest = clearestPattern(own);
  if (clearest !== null && !(await hasSaid(by, slot, clearest))) await say(by, slot, clearest, '');
  for (const { family, knob, low, high, code, form, times } of avoid) {
    const pattern = { family, knob, low, high, direction: -1, effect: -1 } as const;
    if ((knob !== null && !PLAIN.test(knob)) || (await hasSaid(by, slot, pattern))) continue;
    const lesson = `${times} failures and no success: ${code} ${form}. ${lessonOf(`${code} ${form}`)}`;
    await say(by, slot, pattern, shortText(lesson));
  }
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

const saidOf = ({ db }: By, slot: string, { family, knob }: StatedPattern) =>
  db
    .selectFrom('board.pattern')
    .select('id')
    .where('slot', '=', slot)
    .where('family', '=', family)
    .where('knob', 'is not distinct from', knob)
    .limit(1);

/** Whether somebody has spoken of the family and knob. */
const isSaid = async (by: By, slot: string, pattern: StatedPattern): Promise<boolean> =>
  (await saidOf(by, slot, pattern).executeTakeFirst()) !== undefined;

/** Whether this agent has said so itself. */
const hasSaid = async (by: By, slot: string, pattern: StatedPattern): Promise<boolean> =>
  (await saidOf(by, slot, pattern)
    .where('agent_id', '=', by.who.id)
    .where('direction', '=', pattern.direction)
    .executeTakeFirst()) !== undefined;

async function say({ db, stamp }: By, slot: string, pattern: StatedPattern, note: string): Promise<void> {
  await db
    .insertInto('board.pattern')
    .values({ ...stamp(), slot, ...pattern, note })
    .execute();
}
