// One question to a language model and its answer, over any endpoint that speaks the chat completions of OpenAI.
// Promises: the worst case is reserved before a byte is sent; what came of it is settled and a row, whatever came of it.
// Trouble that passes (429, 5xx, a cut line, an answer that is none) is tried again after a growing pause, or the one that the
// server asks for; an endpoint that keeps failing is left alone; a stop cancels at once. No streaming.
// Leaves to others: what to ask (strategist), which model (router.ts), what to make of the text (repair.ts).
import OpenAI from 'openai';
import { SwarmError } from '../../blackboard/errors.js';
import { pause } from '../../blackboard/events/doorbell.js';
import { Breaker } from './breaker.js';
import type { Budget } from './budget.js';
import { type Failure, failureOf } from './failure.js';
import { costOf, type LlmSettings, type Model, type TaskKind } from './settings.js';

export type Message = OpenAI.Chat.ChatCompletionMessageParam;

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON schema of its arguments. */
  readonly parameters: Record<string, unknown>;
}

/** What the router chose: the arm of its bandit. */
export interface Arm {
  readonly model: Model;
  readonly strategy: string;
  readonly temperature: number;
}

export interface Question {
  readonly task: TaskKind;
  readonly arm: Arm;
  readonly messages: readonly Message[];
  readonly tools?: readonly ToolSpec[];
  /** JSON schema that the answer must have, with its name. */
  readonly answer?: { readonly name: string; readonly schema: Record<string, unknown> };
  /** Calls of one decision share it. */
  readonly thought: string | null;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export interface Answer {
  readonly text: string;
  readonly calls: readonly ToolCall[];
  readonly tokens_in: number;
  readonly tokens_out: number;
  readonly cost_usd: number;
}

export interface LlmClient {
  /** Throws trouble as failure.ts names it; the signal's reason when it was stopped. */
  ask(question: Question): Promise<Answer>;
}

export interface ClientOptions {
  readonly settings: LlmSettings;
  readonly budget: Budget;
  readonly stopping: AbortSignal;
  readonly breaker?: Breaker;
  /** Most tries of one question. */
  readonly tries?: number;
  /** Pause before the second try, ms; it doubles. */
  readonly pauseMs?: number;
  readonly now?: () => number;
}

const LONGEST_PAUSE_MS = 60_000;
/** Tokens that a server adds around each message. */
const PER_MESSAGE = 16;

export function openClient(o: ClientOptions): LlmClient {
  const { settings, stopping } = o;
  const breaker = o.breaker ?? new Breaker();
  const now = o.now ?? Date.now;
  const api = new OpenAI({
    apiKey: settings.key.reveal(),
    baseURL: settings.base_url,
    // Nothing else of this process's environment is sent along, and the package never logs a request.
    organization: null,
    project: null,
    logLevel: 'off',
    maxRetries: 0,
    timeout: settings.timeout_s * 1000,
  });

  async function once(question: Question, attempts: number): Promise<Answer> {
    const waits = breaker.wait(now());
    if (waits > 0)
      throw new SwarmError(
        'SWARM_E_LLM_UNREACHABLE',
        `${settings.base_url} failed again and again and is left alone for ${Math.ceil(waits / 1000)} s`,
        'Agents go on without it; look for what it answers.',
      );
    let reservation: string;
    const body = bodyOf(question, settings.max_tokens);
    const worst = worstOf(body, question, settings.max_tokens);
    try {
      reservation = await o.budget.reserve({ ...worst, term_s: settings.timeout_s + 60 });
    } catch (error) {
      breaker.undecided();
      throw error;
    }
    const started = now();
    const { arm, task, thought } = question;
    const settle = (status: string, tokens_in: number, tokens_out: number): Promise<void> =>
      o.budget.settle(reservation, {
        thought,
        task,
        model: arm.model.id,
        strategy: arm.strategy,
        temperature: arm.temperature,
        attempts,
        tokens_in,
        tokens_out,
        cost_usd: costOf(arm.model, tokens_in, tokens_out),
        latency_ms: Math.round(now() - started),
        status,
      });
    try {
      const answer = readAnswer(
        await api.chat.completions.create(body, { signal: AbortSignal.any([stopping]) }),
        arm.model,
      );
      if (answer.tokens_out > settings.max_tokens || answer.tokens_in + answer.tokens_out > worst.tokens)
        throw new SwarmError(
          'SWARM_E_LLM_RESPONSE',
          `${arm.model.id} reports ${answer.tokens_in} + ${answer.tokens_out} tokens, more than were allowed`,
          'The endpoint must keep to max_tokens: no cap can hold otherwise.',
        );
      breaker.succeeded();
      await settle(
        answer.refusal === null ? 'ok' : 'SWARM_E_LLM_REFUSED',
        answer.tokens_in,
        answer.tokens_out,
      );
      if (answer.refusal === null) return answer;
      throw new Refused(answer.refusal);
    } catch (error) {
      if (error instanceof Refused) throw error.told;
      const failure = failureOf(error, settings);
      if (failure.endpoint === 'failed') breaker.failed(now());
      else if (failure.endpoint === 'answered') breaker.succeeded();
      else breaker.undecided();
      // What the server may have computed before the line broke is counted as if it had.
      const [spent_in, spent_out] =
        failure.charge === 'all' ? [worst.tokens - settings.max_tokens, settings.max_tokens] : [0, 0];
      await settle(failure.error.code, spent_in, spent_out);
      if (stopping.aborted) throw stopping.reason;
      throw new Tried(failure);
    }
  }

  return {
    async ask(question) {
      const tries = o.tries ?? 4;
      for (let tried = 1; ; tried++) {
        stopping.throwIfAborted();
        try {
          return await once(question, tried);
        } catch (error) {
          if (!(error instanceof Tried)) throw error;
          const { failure } = error;
          if (!failure.passes || tried === tries) throw failure.error;
          const grown = (o.pauseMs ?? 1000) * 2 ** (tried - 1);
          const asked = failure.retry_after_ms;
          // A server that wants more patience than that is asked again by a later decision.
          if (asked !== null && asked > LONGEST_PAUSE_MS) throw failure.error;
          await pause(asked ?? Math.min(grown * (0.5 + Math.random()), LONGEST_PAUSE_MS), stopping);
        }
      }
    },
  };
}

/** Carries a failure from one try to the loop that decides about the next. */
class Tried extends Error {
  constructor(readonly failure: Failure) {
    super(failure.error.message);
  }
}

class Refused extends Error {
  readonly told: SwarmError;
  constructor(text: string) {
    super(text);
    this.told = new SwarmError(
      'SWARM_E_LLM_REFUSED',
      `the model refused: ${text.slice(0, 200)}`,
      'Another model of the ladder is asked; if all refuse, look at the transcript.',
    );
  }
}

function bodyOf(q: Question, max_tokens: number): OpenAI.Chat.ChatCompletionCreateParamsNonStreaming {
  return {
    model: q.arm.model.id,
    messages: [...q.messages],
    temperature: q.arm.temperature,
    max_tokens,
    stream: false,
    ...(q.tools === undefined || q.tools.length === 0
      ? {}
      : {
          tools: q.tools.map(({ name, description, parameters }) => ({
            type: 'function' as const,
            function: { name, description, parameters },
          })),
        }),
    ...(q.answer === undefined
      ? {}
      : { response_format: { type: 'json_schema' as const, json_schema: { ...q.answer, strict: false } } }),
  };
}

/** A token is a byte or more of what is sent, so bytes bound tokens whatever the tokenizer. */
function worstOf(body: object, q: Question, max_tokens: number): { tokens: number; usd: number } {
  const input = Buffer.byteLength(JSON.stringify(body)) + PER_MESSAGE * (q.messages.length + 1);
  return { tokens: input + max_tokens, usd: costOf(q.arm.model, input, max_tokens) };
}

const count = (n: unknown): number | null =>
  typeof n === 'number' && Number.isSafeInteger(n) && n >= 0 ? n : null;

function readAnswer(
  reply: OpenAI.Chat.ChatCompletion,
  model: Model,
): Answer & { readonly refusal: string | null } {
  // A server of whatever make: nothing of the shape is taken for granted.
  const message = reply?.choices?.[0]?.message;
  const tokens_in = count(reply?.usage?.prompt_tokens);
  const tokens_out = count(reply?.usage?.completion_tokens);
  if (message === undefined || message === null || tokens_in === null || tokens_out === null)
    throw new SwarmError(
      'SWARM_E_LLM_RESPONSE',
      'the endpoint answered without a message or without its use of tokens',
      'It must speak the chat completions of OpenAI, with `usage`.',
    );
  const calls = (message.tool_calls ?? []).flatMap((call) =>
    call.type === 'function'
      ? [
          {
            id: String(call.id),
            name: String(call.function.name),
            arguments: String(call.function.arguments),
          },
        ]
      : [],
  );
  return {
    text: typeof message.content === 'string' ? message.content : '',
    calls,
    refusal: typeof message.refusal === 'string' && message.refusal !== '' ? message.refusal : null,
    tokens_in,
    tokens_out,
    cost_usd: costOf(model, tokens_in, tokens_out),
  };
}
