// What went wrong with a call, and what that means: does it pass, is the endpoint to blame, may tokens have been spent.
// Promises: no message carries a header, a key or a body that was sent.
import { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';
import { SwarmError, type SwarmErrorCode } from '../../blackboard/errors.js';
import type { LlmSettings } from './settings.js';

const TROUBLE = new Set<unknown>([
  'SWARM_E_LLM_AUTH',
  'SWARM_E_LLM_LIMITED',
  'SWARM_E_LLM_UNREACHABLE',
  'SWARM_E_LLM_RESPONSE',
  'SWARM_E_LLM_REFUSED',
  'SWARM_E_LLM_BUDGET',
] satisfies SwarmErrorCode[]);

/** Trouble of a model, its endpoint or its budget: the decision goes on without it. */
export const isLlmTrouble = (error: unknown): error is SwarmError =>
  TROUBLE.has((error as { code?: unknown } | null)?.code);

export interface Failure {
  readonly error: SwarmError;
  /** Another try may do. */
  readonly passes: boolean;
  /** What it says about the endpoint, for the breaker. */
  readonly endpoint: 'failed' | 'answered' | 'unknown';
  /** Tokens that may have been spent: none, or all that were reserved. */
  readonly charge: 'none' | 'all';
  readonly retry_after_ms: number | null;
}

export function failureOf(error: unknown, settings: LlmSettings): Failure {
  const where = settings.base_url;
  const make = (
    code: SwarmErrorCode,
    message: string,
    hint: string,
    rest: Partial<Omit<Failure, 'error'>> = {},
  ): Failure => ({
    error: new SwarmError(code, message, hint),
    passes: false,
    endpoint: 'answered',
    charge: 'none',
    retry_after_ms: null,
    ...rest,
  });
  if (error instanceof APIUserAbortError)
    return make(
      'SWARM_E_LLM_UNREACHABLE',
      'the call was cancelled',
      'Nothing to do: the agent was stopping.',
      {
        endpoint: 'unknown',
        charge: 'all',
      },
    );
  if (error instanceof APIConnectionTimeoutError)
    return make(
      'SWARM_E_LLM_UNREACHABLE',
      `${where} did not answer within ${settings.timeout_s} s`,
      'Raise SWARM_LLM_TIMEOUT_S, or choose a faster model.',
      { passes: true, endpoint: 'failed', charge: 'all' },
    );
  if (error instanceof APIConnectionError)
    return make(
      'SWARM_E_LLM_UNREACHABLE',
      `no connection with ${where}`,
      'Check the network and SWARM_LLM_BASE_URL; agents go on without it.',
      { passes: true, endpoint: 'failed', charge: wasSent(error) ? 'all' : 'none' },
    );
  if (error instanceof APIError && error.status !== undefined) return ofStatus(error, where, make);
  if (error instanceof SwarmError)
    return { error, passes: true, endpoint: 'failed', charge: 'all', retry_after_ms: null };
  return make(
    'SWARM_E_LLM_RESPONSE',
    `${where} answered what is no JSON of a chat completion`,
    'It must speak the chat completions of OpenAI.',
    { passes: true, endpoint: 'failed', charge: 'all' },
  );
}

type Make = (
  code: SwarmErrorCode,
  message: string,
  hint: string,
  rest?: Partial<Omit<Failure, 'error'>>,
) => Failure;

function ofStatus(error: APIError, where: string, make: Make): Failure {
  const status = error.status as number;
  const retry_after_ms = retryAfter(error.headers as Headers | undefined, Date.now());
  if (status === 401 || status === 403)
    return make('SWARM_E_LLM_AUTH', `${where} refuses the key (${status})`, 'Correct SWARM_LLM_API_KEY.');
  if (status === 402)
    return make(
      'SWARM_E_LLM_AUTH',
      `${where} wants payment (402)`,
      'Fill up the account of SWARM_LLM_API_KEY.',
    );
  if (status === 429)
    return make('SWARM_E_LLM_LIMITED', `${where} asks for fewer calls (429)`, 'It is asked again later.', {
      passes: true,
      retry_after_ms,
    });
  if (status === 408 || status === 409 || status >= 500)
    return make('SWARM_E_LLM_UNREACHABLE', `${where} failed (${status})`, 'It is asked again later.', {
      passes: true,
      endpoint: 'failed',
      retry_after_ms,
    });
  return make(
    'SWARM_E_LLM_RESPONSE',
    `${where} refuses the request (${status})`,
    'Check the names in SWARM_LLM_MODELS and whether the model takes tools.',
  );
}

/** Whether bytes may have reached the server: a refused or unknown address never got any. */
function wasSent(error: Error): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') return false;
  }
  return true;
}

/** Retry-After as seconds or as a date (RFC 9110, 10.2.3), in ms from now; null without a usable one. */
export function retryAfter(headers: Headers | undefined, now_ms: number): number | null {
  const text = headers?.get?.('retry-after')?.trim();
  if (text === undefined || text === '') return null;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? null : Math.max(0, date - now_ms);
}
