// What is thought beside a decision: a diagnosis of what keeps failing, a summary of what own verdicts show.
// Promises: trouble of a model ends the thought and not the decision. Leaves to others: when (think.ts), what for (the prompts).
import type { Arm } from '../../llm/client.js';
import { isLlmTrouble } from '../../llm/failure.js';
import { diagnosing, toDiagnose } from './diagnose.js';
import { type Asker, askUntilSound, type Talk } from './loop.js';
import { summarising, toSummarise } from './summarise.js';
import type { Turn } from './tools.js';

export type AsideKind = 'diagnose' | 'summarise';

/** The talk that came of it; null where there was nothing to talk about. */
export async function thinkAside(
  by: Asker,
  kind: AsideKind,
  arm: Arm,
  turn: Turn,
  thought: string,
): Promise<Talk | null> {
  try {
    if (kind === 'diagnose') {
      const error = await toDiagnose(turn);
      if (error === null) return null;
      return await askUntilSound(by, { task: kind, arm, thought, ...(await diagnosing(turn, error)) });
    }
    const own = await toSummarise(turn);
    return own.length === 0
      ? null
      : await askUntilSound(by, { task: kind, arm, thought, ...summarising(turn, own) });
  } catch (error) {
    if (!isLlmTrouble(error)) throw error;
    return { arm, messages: [], ended: `${error.code}: ${error.message}` };
  }
}
