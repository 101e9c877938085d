// The thinking strategist of one agent: settings from its environment, a purse on the blackboard, a router that learns from it.

import { SwarmError } from '../../../blackboard/errors.js';
import { openBudget } from '../../llm/budget.js';
import { openClient } from '../../llm/client.js';
import { historyOf } from '../../llm/history.js';
import { redactor } from '../../llm/redact.js';
import { route } from '../../llm/router.js';
import { takeLlmSettings } from '../../llm/settings.js';
import type { AgentContext } from '../../runtime/context.js';
import { evolveStrategist } from '../evolve.js';
import type { Strategist } from '../strategist.js';
import { strategies } from './prompt.js';
import { thinkStrategist } from './think.js';

const TEMPERATURES = [0.2, 0.6, 1];
/** One decision in seven writes a recursion; what fails and what verdicts show is looked at now and then. */
const SHARES = { author: 1 / 7, diagnose: 0.2, summarise: 0.1 };

/** Throws SWARM_E_LLM_CONFIG without a key. Takes the key out of `env`, so that no child inherits it. */
export function openThinking(
  context: AgentContext,
  env: Record<string, string | undefined> = process.env,
): Strategist {
  const settings = takeLlmSettings(env);
  if (settings === null)
    throw new SwarmError(
      'SWARM_E_LLM_CONFIG',
      'a language model is wanted and SWARM_LLM_API_KEY is not set',
      'Set it, or search with --strategist evolve; docs/agents.md has the settings.',
    );
  const { db, who, stopping, log, store } = context;
  return thinkStrategist({
    client: openClient({ settings, budget: openBudget(db, who.id), stopping }),
    choose: async (kind, rng) =>
      route(
        {
          models: settings.ladder[kind],
          strategies: Object.keys(strategies),
          temperatures: TEMPERATURES,
          usd_per_gain: settings.usd_per_gain,
        },
        await historyOf(db, who.id, kind),
        rng,
      ),
    // Neither ends in a gain of its own: the cheapest that there is.
    aside: (kind) => ({ model: settings.ladder[kind][0]!, strategy: kind, temperature: TEMPERATURES[0]! }),
    shares: SHARES,
    otherwise: evolveStrategist,
    keep: (bytes) => store.put(bytes),
    redact: redactor([
      settings.key.reveal(),
      settings.base_url,
      who.password,
      who.privateKey,
      who.natsSeed ?? '',
    ]),
    log,
    stopping,
  });
}
