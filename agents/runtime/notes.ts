// What an agent notes of its own accord: the clearest pattern of its own experiments, and what keeps failing on the slot.
// Promises: nothing is noted twice by one agent; needs no model. Leaves to others: whether anybody is told (verdicts decide).
import { shortText } from '../../blackboard/text.js';
import { type Antipattern, antipatterns } from '../strategist/antipatterns.js';
import { lessonOf } from '../strategist/catalogue.js';
import { clearestPattern, type Observed, type StatedPattern } from '../strategist/observe.js';
import type { Tried } from '../strategist/strategist.js';
import type { AgentContext } from './context.js';
import { failuresOf } from './desk.js';

const OWN = 100;
const FAILURES = 200;
/** What blackboard rows take for a knob: one of a component has a path, and stays with who found it. */
const PLAIN = /^[a-z_]{1,40}$/;

/** Where everything has failed on a slot. */
export const avoidOn = async (
  { db }: Pick<AgentContext, 'db'>,
  slot: string,
  archive: readonly Tried[],
): Promise<Antipattern[]> => antipatterns(await failuresOf(db, slot, FAILURES), archive);

export async function noteObserved(
  context: AgentContext,
  slot: string,
  avoid: readonly Antipattern[],
): Promise<void> {
  const mine = (await context.db
    .selectFrom('board.experiment')
    .select(['family', 'spec', 'gain'])
    .where('agent_id', '=', context.who.id)
    .where('slot', '=', slot)
    .orderBy('at', 'desc')
    .limit(OWN)
    .execute()) as unknown as Observed[];
  const pattern = clearestPattern(mine);
  if (pattern !== null) await noteOnce(context, slot, pattern, '');
  for (const { family, knob, low, high, code, form, times } of avoid)
    if (knob === null || PLAIN.test(knob))
      await noteOnce(
        context,
        slot,
        { family, knob, low, high, direction: -1, effect: -1 },
        `${times} failures and no success: ${code} ${form}. ${lessonOf(`${code} ${form}`)}`,
      );
}

async function noteOnce(
  context: AgentContext,
  slot: string,
  pattern: StatedPattern,
  note: string,
): Promise<void> {
  const said = await context.db
    .selectFrom('board.pattern')
    .select('id')
    .where('agent_id', '=', context.who.id)
    .where('slot', '=', slot)
    .where('family', '=', pattern.family)
    .where('knob', 'is not distinct from', pattern.knob)
    .where('direction', '=', pattern.direction)
    .limit(1)
    .executeTakeFirst();
  if (said === undefined)
    await context.db
      .insertInto('board.pattern')
      .values({ ...context.stamp(), slot, ...pattern, note: shortText(note) })
      .execute();
}
