// The strategist that asks a language model: briefing, messages, tool calls, proposal, as one small loop.
// Promises: it always ends with a proposal. Whatever keeps the model from one (no money, no answer, no sense) hands the
// decision to evolution, and the reason is written down. The conversation is kept, redacted, under the decision.
// Leaves to others: which model (the router), what tools do (tools.ts), what comes of it (the search).
import type { Logger } from 'pino';
import { isTransient } from '../../../blackboard/db.js';
import { uuid7 } from '../../../blackboard/ids.js';
import { canonicalJson } from '../../../forecast/canonical.js';
import type { Rng } from '../../../forecast/rng.js';
import type { Briefing } from '../../../trust/briefing.js';
import type { Answer, Arm, LlmClient, Message, ToolCall } from '../../llm/client.js';
import { isLlmTrouble } from '../../llm/failure.js';
import { type Redact, redactAll } from '../../llm/redact.js';
import type { Proposal, QuickStrategist, Strategist, Task } from '../strategist.js';
import { type AsideKind, thinkAside } from './aside.js';
import { authoring } from './author.js';
import { askUntilSound, type Talk } from './loop.js';
import { openingMessages, type StrategyName } from './prompt.js';
import { asData } from './quoted.js';
import { callTool, type Turn, toolsFor } from './tools.js';

/** The arms of one decision: the first, and where to go when it fails; or why nobody is asked. */
export type Choice = { readonly arms: readonly Arm[] } | { readonly skip: string };

export interface Thinker {
  readonly client: LlmClient;
  /** Whom to ask for a spec: planned over what there is, or written anew. */
  readonly choose: (kind: 'plan' | 'author', rng: Rng) => Promise<Choice>;
  /** Whom to ask beside the decision. */
  readonly aside: (kind: AsideKind) => Arm;
  /** How often a decision is an author's, and how often something is thought beside it. */
  readonly shares: Readonly<Record<'author' | AsideKind, number>>;
  readonly otherwise: QuickStrategist;
  /** Keeps a transcript; returns its digest. */
  readonly keep: (bytes: Uint8Array) => Promise<string>;
  readonly redact: Redact;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly stopping: AbortSignal;
}

const TURNS = 10;
const CALLS_A_TURN = 4;
/** The same call with the same arguments is answered so often. */
const REPEATS = 2;

export const thinkStrategist = (by: Thinker): Strategist => ({
  name: 'llm',
  otherwise: by.otherwise,
  async propose(briefing, task, rng, desk) {
    const kind = rng.uniform() < by.shares.author ? 'author' : 'plan';
    const choice = await by.choose(kind, rng);
    if ('skip' in choice) return instead(by, briefing, task, rng, choice.skip);
    const thought = uuid7();
    const talks: Talk[] = [];
    const turn: Turn = { desk, task, briefing, probes: 0, notes: 0 };
    for (const aside of ['diagnose', 'summarise'] as const) {
      if (rng.uniform() >= by.shares[aside]) continue;
      const talk = await thinkAside(by, aside, by.aside(aside), turn, thought);
      if (talk !== null) talks.push(talk);
    }
    for (const arm of choice.arms) {
      const talk: Talk = {
        arm,
        messages:
          kind === 'plan' ? openingMessages(briefing, task, arm.strategy as StrategyName, desk.owner) : [],
        ended: '',
      };
      talks.push(talk);
      try {
        if (kind === 'plan') talk.ended = await converse(by, talk, turn, thought);
        else
          Object.assign(
            talk,
            await askUntilSound(by, { task: kind, arm, thought, ...(await authoring(turn)) }),
          );
      } catch (error) {
        if (by.stopping.aborted) throw error;
        if (!isLlmTrouble(error)) throw error;
        const { code, message } = error;
        talk.ended = `${code}: ${message}`;
        // Another model costs money too, and speaks through the same endpoint and key.
        if (['SWARM_E_LLM_BUDGET', 'SWARM_E_LLM_AUTH', 'SWARM_E_LLM_UNREACHABLE'].includes(code)) break;
      }
      if (turn.proposal !== undefined) break;
      by.log.info(
        { model: arm.model.id, temperature: arm.temperature },
        `no proposal: ${by.redact(talk.ended)}`,
      );
    }
    const transcript = await keepTalks(by, thought, talks);
    const kept = { thought, ...(transcript !== null && { transcript }) };
    if (turn.proposal !== undefined)
      return { ...turn.proposal, reason: by.redact(turn.proposal.reason), ...kept };
    return {
      ...(await instead(by, briefing, task, rng, by.redact(talks.at(-1)?.ended ?? 'no arm'))),
      ...kept,
    };
  },
});

/** Asks until there is a proposal; returns how it ended. */
async function converse(by: Thinker, talk: Talk, turn: Turn, thought: string): Promise<string> {
  const tools = toolsFor('plan');
  const seen = new Map<string, number>();
  let idle = 0;
  for (let i = 0; i < TURNS; i++) {
    const messages = redactAll(talk.messages, by.redact);
    const answer = await by.client.ask({ task: 'plan', arm: talk.arm, messages, tools, thought });
    talk.messages.push(said(answer));
    if (answer.calls.length === 0) {
      idle += 1;
      if (idle > 1) return 'it talks and calls no tool';
      talk.messages.push({ role: 'user', content: 'Only tool calls count. End with propose_spec.' });
      continue;
    }
    for (const [n, call] of answer.calls.entries()) {
      const content =
        n < CALLS_A_TURN
          ? await obey(by, call, turn, seen)
          : asData(call.name, { error: 'too many calls at once' });
      talk.messages.push({ role: 'tool', tool_call_id: call.id, content });
      if (turn.proposal !== undefined) return 'proposed';
    }
    if (Math.max(...seen.values()) > REPEATS + 1) return 'it asks the same again and again';
  }
  return `no proposal in ${TURNS} turns`;
}

/** What a tool has to say, as a message. Only trouble that is not the model's own is thrown. */
async function obey(by: Thinker, call: ToolCall, turn: Turn, seen: Map<string, number>): Promise<string> {
  const key = `${call.name} ${call.arguments}`;
  const times = (seen.get(key) ?? 0) + 1;
  seen.set(key, times);
  const started = performance.now();
  let content: string;
  try {
    content =
      times > REPEATS
        ? asData(call.name, { error: 'asked before with the same arguments; propose' })
        : asData(call.name, await callTool('plan', call.name, call.arguments, turn));
  } catch (error) {
    const { code, message, hint } = error as { code?: string; message: string; hint?: string };
    if (!code?.startsWith('SWARM_E_') || isTransient(error)) throw error;
    content = asData(call.name, { error: message.slice(0, 600), hint });
  }
  by.log.info(
    { tool: call.name.slice(0, 60), ms: Math.round(performance.now() - started), characters: content.length },
    'tool',
  );
  return content;
}

function said({ text, calls }: Answer): Message {
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    ...(calls.length > 0 && {
      tool_calls: calls.map((c) => ({
        id: c.id,
        type: 'function' as const,
        function: { name: c.name, arguments: c.arguments },
      })),
    }),
  };
}

function instead(by: Thinker, briefing: Briefing, task: Task, rng: Rng, why: string): Proposal {
  const proposal = by.otherwise.propose(briefing, task, rng);
  return { ...proposal, by: by.otherwise.name, reason: `${proposal.reason}; no model: ${why}` };
}

/** The digest of what was said, or null where the store is away: a decision does not wait for its minutes. */
async function keepTalks(by: Thinker, thought: string, talks: readonly Talk[]): Promise<string | null> {
  const record = {
    v: 1,
    thought,
    talks: talks.map((t) => ({
      model: t.arm.model.id,
      strategy: t.arm.strategy,
      temperature: t.arm.temperature,
      ended: t.ended,
      messages: t.messages,
    })),
  };
  try {
    return await by.keep(
      new TextEncoder().encode(canonicalJson(redactAll(JSON.parse(JSON.stringify(record)), by.redact))),
    );
  } catch (error) {
    by.log.warn({ err: error }, 'the transcript could not be kept');
    return null;
  }
}
