// The miner's HTTP face on loopback: POST /Simulation with the subnet's JSON body, POST /Synapse as a ping, GET /health.
// Bounded bodies, exact JSON, and an error that names its code; the signed wire protocol is not spoken here.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { debugPoint } from '../../blackboard/debug-point.js';
import { SwarmError } from '../../blackboard/errors.js';
import { pause } from '../../blackboard/events/doorbell.js';
import type { MinerContext } from '../context.js';
import { competitionFor, slotId } from '../sn50/profile.js';
import { type Prompt, parsePrompt, parseStart } from '../sn50/prompt.js';
import type { Answering } from './answers.js';
import type { Ledger, PromptFacts } from './ledger.js';

const BODY_LIMIT = 64 * 1024;
/** How long an answer waits for its row before it is sent anyway. */
const RECORD_FIRST_MS = 1000;

/** What is wrong with a request, with the status that says so. */
class Refusal extends Error {
  readonly code = 'SWARM_E_PROMPT_REFUSED';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

function body(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= BODY_LIMIT) return void chunks.push(chunk);
      // Not destroyed: the sender still has to hear why. What it sends until then is dropped.
      chunks.length = 0;
      reject(new Refusal(413, `the body exceeds ${BODY_LIMIT} bytes`));
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.once('error', reject);
  });
}

function send(response: ServerResponse, status: number, json: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(json),
    // After a refusal the rest of the body, if any, is not worth reading.
    ...(status === 413 ? { connection: 'close' } : {}),
  });
  response.end(json);
}

interface Served {
  readonly context: MinerContext;
  readonly answering: Answering;
  readonly ledger: Ledger;
}

async function simulation(
  { context, answering, ledger }: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const started = performance.now();
  const synapse = parsed(await body(request)) as { simulation_input?: unknown } | null;
  const prompt: Prompt = parsePrompt(synapse?.simulation_input);
  const slot = servedSlot(context, prompt);
  const facts: PromptFacts = {
    validator: String(request.headers['bt_header_dendrite_hotkey'] ?? 'anonymous').slice(0, 64),
    ...slot,
    start_s: parseStart(prompt.start_time),
    prompt,
  };
  try {
    const answer = await answering.answer(prompt, facts.slot);
    const latency_ms = performance.now() - started;
    await debugPoint('answer.made');
    const echo = JSON.stringify(synapse?.simulation_input);
    const axon = `{"status_code":200,"status_message":"Success","process_time":${latency_ms / 1000}}`;
    await recordedOrLate(context, ledger.record(facts, answer, latency_ms));
    send(
      response,
      200,
      `{"name":"Simulation","timeout":12.0,"total_size":0,"header_size":0,"dendrite":{},"axon":${axon},"computed_body_hash":"","simulation_input":${echo},"simulation_output":${answer.text}}`,
    );
  } catch (error) {
    const failure = { failure: error, data_until_s: facts.start_s };
    await recordedOrLate(context, ledger.record(facts, failure, performance.now() - started));
    throw Object.assign(error as Error, { status: 500 });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(422, `the body is not JSON: ${(error as Error).message}`);
  }
}

/** The open slot that a prompt asks of, on that slot's own grid. */
function servedSlot(
  { profile, clock }: MinerContext,
  { asset, time_length, time_increment }: Prompt,
): Pick<PromptFacts, 'slot' | 'competition'> {
  const rules = competitionFor(profile, asset, time_length);
  const slot = rules && slotId(rules.id, asset);
  if (
    rules === undefined ||
    slot === undefined ||
    rules.increment_s !== time_increment ||
    !clock.slots.includes(slot)
  )
    throw new Refusal(
      422,
      `no model serves ${asset} over ${time_length} s in steps of ${time_increment} s: this miner serves ${clock.slots.join(', ')}`,
    );
  return { slot, competition: rules.id };
}

/** Waits for a row, but not for a database that is away: the ledger goes on by itself. */
async function recordedOrLate(context: MinerContext, writing: Promise<void>): Promise<void> {
  const late = new AbortController();
  const written = writing.catch((error) =>
    context.log.error({ err: error }, 'the answer could not be recorded'),
  );
  await Promise.race([written, pause(RECORD_FIRST_MS, late.signal)]);
  late.abort();
}

async function route(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    if (request.method === 'GET' && request.url === '/health') return send(response, 200, '{"healthy":true}');
    if (request.method !== 'POST') return send(response, 405, '{"detail":"Method Not Allowed"}');
    if (request.url === '/Simulation') return await simulation(served, request, response);
    if (request.url === '/Synapse') return send(response, 200, await body(request));
    send(
      response,
      404,
      JSON.stringify({
        message: `Synapse name '${(request.url ?? '').slice(1, 60)}' not found. Available synapses ['Synapse', 'Simulation']`,
      }),
    );
  } catch (error) {
    const { status, code, message } = error as { status?: number; code?: string; message: string };
    served.context.log.warn({ code }, message);
    if (!response.headersSent)
      send(
        response,
        status ?? (code === 'SWARM_E_PROMPT_REFUSED' ? 422 : 500),
        JSON.stringify({ code: code ?? 'SWARM_E_UNEXPECTED', message }),
      );
    else response.destroy();
  }
}

/** Listens on 127.0.0.1; SWARM_E_PORT_IN_USE when somebody else does. */
export async function listen(served: Served, port: number): Promise<Server> {
  const server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16 * 1024 },
    (request, response) => void route(served, request, response),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new SwarmError(
              'SWARM_E_PORT_IN_USE',
              `port ${port} of the miner is in use`,
              'Stop the other program, or choose another base with --ports.',
              { cause: error },
            )
          : error,
      ),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}
