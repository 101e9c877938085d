// One way of asking a price source over HTTP: spaced, timed out, retried with backoff, and validated.
// Promises: at most `ATTEMPTS` requests per question, Retry-After honoured, every failure a typed error that names the URL;
// an abort ends any wait at once. Clock and random numbers are handed in.
// Leaves to others: what to ask and what the answer means.
import type { z } from 'zod';
import { SwarmError } from '../../../blackboard/errors.js';
import { badResponse, type Pace } from './source.js';

/** What the network layer needs of the world; tests hand in their own. */
export interface Surroundings {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Uniform in [0, 1). */
  random(): number;
  readonly signal: AbortSignal;
  /** A wait of seconds is announced, so that nobody takes it for a hang. */
  notice(text: string): void;
}

export interface Question {
  readonly url: string;
  /** POSTed as JSON; without it the question is a GET. */
  readonly body?: unknown;
  readonly token?: string;
  /** Milliseconds to hold the next request back, read from the answer's headers. */
  readonly cooldown?: (headers: Headers, now_ms: number) => number;
  /** The source's own words in the body of a refusal. */
  readonly refusal?: (body: string) => string | undefined;
  /** What to do about a refusal of this status. */
  readonly hint?: (status: number) => string | undefined;
}

export interface Requester {
  ask<T>(question: Question, schema: z.ZodType<T>): Promise<T>;
}

export const ATTEMPTS = 6;
const TIMEOUT_MS = 20_000;
const BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** A source that wants a longer rest than this is left alone: the download is resumable. */
const MAX_REST_MS = 5 * 60_000;
const ANNOUNCED_MS = 5_000;

/** What one attempt came to: an answer, or a reason to try again. */
type Attempt =
  | { readonly value: unknown }
  | { readonly error: SwarmError; readonly rest_ms?: number | undefined };

export function requester(pace: Pace, world: Surroundings, timeout_ms = TIMEOUT_MS): Requester {
  let next_ms = 0;
  const turn = async (): Promise<void> => {
    const wait = next_ms - world.now();
    if (wait > 0) {
      if (wait >= ANNOUNCED_MS) world.notice(`waiting ${Math.ceil(wait / 1000)} s, as the source asks`);
      await world.sleep(wait, world.signal);
    }
    world.signal.throwIfAborted();
    next_ms = world.now() + pace.spacing_ms;
  };
  const rest = (ms: number): void => {
    next_ms = Math.max(next_ms, world.now() + ms);
  };

  const attempt = async (question: Question): Promise<Attempt> => {
    let response: Response;
    let body: string;
    try {
      response = await fetch(
        question.url,
        init(question, AbortSignal.any([world.signal, AbortSignal.timeout(timeout_ms)])),
      );
      body = await response.text();
    } catch (error) {
      world.signal.throwIfAborted();
      return { error: unreachable(question.url, networkWords(error, timeout_ms), error) };
    }
    rest(question.cooldown?.(response.headers, world.now()) ?? 0);
    return judge(question, response, body, pace, world.now());
  };

  return {
    async ask(question, schema) {
      for (let n = 1; ; n++) {
        await turn();
        const outcome = await attempt(question);
        if ('value' in outcome) return validated(question.url, outcome.value, schema);
        if (n >= ATTEMPTS || (outcome.rest_ms ?? 0) > MAX_REST_MS) throw outcome.error;
        rest(outcome.rest_ms ?? backoff(n, world.random()));
      }
    },
  };
}

/** Full jitter over the upper half: waits grow, and clients that failed together do not return together. */
function backoff(n: number, random: number): number {
  return Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** (n - 1)) * (0.5 + random / 2);
}

function init(question: Question, signal: AbortSignal): RequestInit {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (question.token !== undefined) headers['authorization'] = `Bearer ${question.token}`;
  if (question.body === undefined) return { headers, signal };
  headers['content-type'] = 'application/json';
  return { method: 'POST', body: JSON.stringify(question.body), headers, signal };
}

function judge(question: Question, response: Response, body: string, pace: Pace, now_ms: number): Attempt {
  const { url } = question;
  const { status } = response;
  if (status === 429 || status === 418) {
    const rest_ms = retryAfter(response.headers.get('retry-after'), now_ms) ?? pace.limited_ms;
    return { error: limited(url, status, rest_ms), rest_ms };
  }
  if (status >= 500 || status === 408) {
    const rest_ms = retryAfter(response.headers.get('retry-after'), now_ms);
    return { error: unreachable(url, `status ${status}${said(question, body)}`), rest_ms };
  }
  if (!response.ok) throw refused(question, status, body);
  try {
    return { value: JSON.parse(body) as unknown };
  } catch (error) {
    // A connection cut at the wrong moment looks like this too: worth another try.
    return { error: badResponse(url, `the answer is no whole JSON (${body.length} characters)`, error) };
  }
}

function validated<T>(url: string, value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue!.path.length > 0 ? `at ${issue!.path.join('.')}: ` : '';
  throw badResponse(url, `malformed answer, ${where}${issue!.message}`, parsed.error);
}

/** Seconds or an HTTP date, as milliseconds from now. */
function retryAfter(header: string | null, now_ms: number): number | undefined {
  if (header === null || header.trim() === '') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now_ms);
}

function networkWords(error: unknown, timeout_ms: number): string {
  if (error instanceof Error && error.name === 'TimeoutError')
    return `no answer within ${timeout_ms / 1000} s`;
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  return cause instanceof Error && cause.message !== '' ? `${message}: ${cause.message}` : message;
}

function said(question: Question, body: string): string {
  const words = question.refusal?.(body) ?? body.replace(/\s+/g, ' ').trim().slice(0, 160);
  return words === '' ? '' : `: ${words}`;
}

function unreachable(url: string, what: string, cause?: unknown): SwarmError {
  return new SwarmError(
    'SWARM_E_SOURCE_UNREACHABLE',
    `${url}: ${what}`,
    'Check the network or name a mirror with --base-url; the same command goes on where this one stopped.',
    { cause },
  );
}

function limited(url: string, status: number, rest_ms: number): SwarmError {
  return new SwarmError(
    'SWARM_E_SOURCE_LIMITED',
    `${url}: the source limits this address (status ${status}) and asks for ${Math.ceil(rest_ms / 1000)} s of rest`,
    'Wait that long, then run the same command: it goes on where this one stopped.',
  );
}

function refused(question: Question, status: number, body: string): SwarmError {
  return new SwarmError(
    'SWARM_E_SOURCE_REFUSED',
    `${question.url}: status ${status}${said(question, body)}`,
    question.hint?.(status) ?? 'Check the asset and its symbol at this source, or name one with --symbol.',
  );
}
