// One request from its first header to its last byte, in the order of the stock axon: synapse and headers, blacklist,
// verification, priority, body, forward. Each step costs more than the one before, and nobody reaches the next unasked.
// Promises: one reply and one log line per request; what goes wrong inside is a 500 whose number is in the log.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { type Prompt, parsePrompt } from '../sn50/prompt.js';
import type { Signer } from '../wallet/sr25519.js';
import { answerBody, type Output, parseBody, plainPrompt, readBody } from './body.js';
import type { Budget } from './budget.js';
import { isSynapse, type RequestFacts, readFacts, SYNAPSES, type SynapseName } from './facts.js';
import { EMPTY_BODY_HASH, responseMessage } from './message.js';
import { type AccessPolicy, blacklisted, type Members } from './policy.js';
import { BadBody, Refusal } from './refusal.js';
import { answerHeaders, bareHeaders, refusalHeaders } from './reply.js';
import { type Sender, send } from './send.js';
import { NoTurn, type Turns } from './turns.js';
import { LONGEST_TIMEOUT_S, type Verifier } from './verify.js';

/**
 * Answers a prompt. `validator`: the verified hotkey. `until_ms`: when nobody waits
 * for it any more, on performance.now()'s scale; `signal` is aborted then.
 */
export type Forward = (
  prompt: Prompt,
  validator: string,
  signal: AbortSignal,
  until_ms: number,
) => Promise<Output>;

export interface Axon {
  readonly signer: Signer;
  /** Fixed for the life of this axon. */
  readonly uuid: string;
  readonly policy: AccessPolicy;
  readonly members: Members;
  readonly verifier: Verifier;
  readonly turns: Turns;
  readonly forward: Forward;
  readonly log: Logger;
  readonly signatures: Budget;
  readonly now_ns: () => bigint;
  readonly limits: { readonly body_ms: number };
}

/** What dendrites read as the SDK's version: 10.2.0, whose protocol this is. */
const VERSION = '10002000';
const DEFAULT_TIMEOUT_S = 12;

/** What is known of a request so far, for its reply and its log line. */
interface Course {
  readonly axon: Axon;
  readonly request: IncomingMessage;
  readonly received_ns: bigint;
  readonly started: number;
  facts: RequestFacts | null;
}

export async function handle(axon: Axon, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const started = performance.now();
  const course: Course = { axon, request, received_ns: axon.now_ns(), started, facts: null };
  const sender: Sender = { request, response };
  try {
    const line = await answered(course, sender);
    axon.log.info(
      { ...who(course), status: 200, ...line },
      line.bytes === 0 ? 'the caller had gone' : 'answered',
    );
  } catch (error) {
    await refused(course, sender, error);
  }
}

async function answered(course: Course, sender: Sender): Promise<{ ms: number; bytes: number }> {
  const { axon, request } = course;
  const name = synapseOf(request);
  const facts = readFacts(name, request.headers);
  course.facts = facts;
  const banned = blacklisted(axon.policy, axon.members, facts);
  if (banned !== null) throw new Refusal(403, `Forbidden. Key is blacklisted: ${banned}.`);
  const unverified = await verified(course, facts);
  if (unverified !== null) throw new Refusal(401, `Not Verified with error: ${unverified}`);
  const hotkey = facts.dendrite.hotkey!;
  const within_ms = deadlineMs(facts);
  const until_ms = performance.now() + within_ms;
  const deadline = AbortSignal.timeout(within_ms);
  const done = await turn(course, hotkey, deadline);
  try {
    const body = parseBody(name, await readBody(request, axon.limits.body_ms), new Date());
    if (facts.bodyHash !== EMPTY_BODY_HASH)
      throw new Error('the body does not have the hash that was signed');
    const began = performance.now();
    const output =
      body.simulation_input === null
        ? null
        : await inTime(
            axon.forward(parsePrompt(plainPrompt(body.simulation_input)), hotkey, deadline, until_ms),
            deadline,
            facts,
          );
    const process_s = (performance.now() - began) / 1000;
    const { payload, axon: face } = answerBody(name, body, process_s, output);
    // The turn ends here: a reader that takes its time keeps nobody waiting.
    done();
    const bytes = await send(
      sender,
      200,
      (length) => answerHeaders(name, body, face, length),
      payload,
      deadline,
    );
    return { ms: Math.round(performance.now() - course.started), bytes };
  } finally {
    done();
  }
}

function synapseOf({ url = '', method }: IncomingMessage): SynapseName {
  const name = url.split('?', 1)[0]!.slice(1);
  if (!isSynapse(name))
    throw new Refusal(
      404,
      `Synapse name '${name.slice(0, 60)}' not found. Available synapses ['${SYNAPSES.join("', '")}']`,
    );
  if (method !== 'POST' && method !== 'GET') throw new Refusal(405, 'Method Not Allowed');
  return name;
}

const deadlineMs = ({ timeout_s }: RequestFacts): number =>
  Math.ceil(Math.min(timeout_s ?? DEFAULT_TIMEOUT_S, LONGEST_TIMEOUT_S) * 1000);

const tooLate = ({ timeout_s }: RequestFacts, cause: unknown): Refusal =>
  new Refusal(408, `Response timeout after: ${timeout_s ?? DEFAULT_TIMEOUT_S}s`, { cause });

async function verified({ axon, request }: Course, facts: RequestFacts): Promise<string | null> {
  try {
    return await axon.verifier.check(facts, request.socket.remoteAddress ?? '');
  } catch (error) {
    throw error instanceof NoTurn ? tooLate(facts, error) : error;
  }
}

async function turn({ axon, facts }: Course, hotkey: string, deadline: AbortSignal): Promise<() => void> {
  try {
    return await axon.turns.take(hotkey, axon.members(hotkey)?.stake ?? 0, deadline);
  } catch (error) {
    throw error instanceof NoTurn ? tooLate(facts!, error) : error;
  }
}

/** The work, or a 408 once nobody waits for it any more. */
async function inTime<T>(work: Promise<T>, deadline: AbortSignal, facts: RequestFacts): Promise<T> {
  let expire: () => void = () => undefined;
  const expired = new Promise<never>((_, reject) => {
    expire = () => reject(tooLate(facts, new Error('the forecast took longer than the caller waits')));
    deadline.addEventListener('abort', expire, { once: true });
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    deadline.removeEventListener('abort', expire);
  }
}

/** Replies with what the stock axon says in this case, and writes the one line. */
async function refused(course: Course, sender: Sender, error: unknown): Promise<void> {
  const { status, message, body, why } = told(error);
  const process_s = (performance.now() - course.started) / 1000;
  const headers =
    error instanceof BadBody || status === 405
      ? []
      : course.facts === null
        ? bareHeaders(status, message, process_s)
        : refusalHeaders(status, message, process_s, course.facts, face(course), remote(course.request));
  course.axon.log.warn({ ...who(course), status, why }, message.slice(0, 300));
  const payload = { head: body, shared: null, tail: '' };
  await send(sender, status, () => headers, payload, AbortSignal.timeout(5000)).catch(() => undefined);
}

interface Told {
  readonly status: number;
  readonly message: string;
  readonly body: string;
  /** Code and words of the cause, for the log. */
  readonly why?: string;
}

function told(error: unknown): Told {
  if (error instanceof BadBody)
    return { status: 422, message: 'the body is no JSON', body: error.detail, why: error.why };
  if (error instanceof Refusal) {
    const { status, message, cause } = error;
    const key = status === 405 ? 'detail' : 'message';
    return {
      status,
      message,
      body: JSON.stringify({ [key]: message }),
      ...(cause instanceof Error ? { why: cause.message } : {}),
    };
  }
  const { code, message: why } = error as { code?: string; message: string };
  const message = `Internal Server Error #${randomUUID()}`;
  return {
    status: 500,
    message,
    body: JSON.stringify({ message }),
    why: `${code === undefined ? '' : `${code}: `}${why}`.slice(0, 500),
  };
}

function face({ axon, facts, received_ns }: Course) {
  const nonce = String(received_ns);
  if (!axon.signatures.take()) return { version: VERSION, nonce, uuid: axon.uuid, signature: null };
  const parts = {
    nonce,
    dendrite: facts!.dendrite.hotkey ?? 'None',
    axon: facts!.axon.hotkey ?? 'None',
    uuid: axon.uuid,
  };
  return { version: VERSION, nonce, uuid: axon.uuid, signature: axon.signer.sign(responseMessage(parts)) };
}

const remote = ({ socket }: IncomingMessage) => ({
  ip: socket.remoteAddress ?? '0.0.0.0',
  port: socket.remotePort ?? 0,
});

const who = ({ request, facts }: Course) => ({
  from: request.socket.remoteAddress,
  path: (request.url ?? '').slice(0, 80),
  hotkey: facts?.dendrite.hotkey ?? undefined,
});
