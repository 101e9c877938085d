// The miner's HTTP face on loopback: POST /Simulation with the subnet's JSON body, POST /Synapse as a ping, GET /health.
// Bounded bodies, exact JSON, and an error that names its code; the signed wire protocol is not spoken here.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { SwarmError } from '../../blackboard/errors.js';
import type { MinerContext } from '../context.js';
import { competitionFor, slotId } from '../sn50/profile.js';
import { type Prompt, parsePrompt, parseStart } from '../sn50/prompt.js';
import type { Answering } from './answers.js';
import type { Ledger } from './ledger.js';

const BODY_LIMIT = 64 * 1024;
/** How long an answer waits for its row before it is sent anyway. */
const RECORD_FIRST_MS = 1000;

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > BODY_LIMIT)
      throw Object.assign(new Error(`the body exceeds ${BODY_LIMIT} bytes`), {
        status: 413,
        code: 'SWARM_E_PROMPT_REFUSED',
      });
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, json: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(json),
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
  let synapse: { simulation_input?: unknown };
  try {
    synapse = JSON.parse(await body(request));
  } catch (error) {
    throw Object.assign(error as Error, {
      status: (error as { status?: number }).status ?? 422,
      code: 'SWARM_E_PROMPT_REFUSED',
    });
  }
  const prompt: Prompt = parsePrompt(synapse?.simulation_input);
  const competition = competitionFor(context.profile, prompt.asset, prompt.time_length);
  const facts = competition && {
    validator: String(request.headers['bt_header_dendrite_hotkey'] ?? 'anonymous').slice(0, 64),
    slot: slotId(competition.id, prompt.asset),
    competition: competition.id,
    start_s: parseStart(prompt.start_time),
    prompt,
  };
  try {
    const answer = await answering.answer(prompt);
    const latency_ms = performance.now() - started;
    const echo = JSON.stringify(synapse.simulation_input);
    const axon = `{"status_code":200,"status_message":"Success","process_time":${latency_ms / 1000}}`;
    const written = ledger
      .record(facts!, answer, latency_ms)
      .catch((error) => context.log.error({ err: error }, 'the answer could not be recorded'));
    await Promise.race([written, new Promise((resolve) => setTimeout(resolve, RECORD_FIRST_MS).unref())]);
    send(
      response,
      200,
      `{"name":"Simulation","timeout":12.0,"total_size":0,"header_size":0,"dendrite":{},"axon":${axon},"computed_body_hash":"","simulation_input":${echo},"simulation_output":${answer.text}}`,
    );
  } catch (error) {
    if (facts !== undefined)
      await ledger
        .record(facts, { failure: error, data_until_s: facts.start_s }, performance.now() - started)
        .catch((second) => context.log.error({ err: second }, 'the failure could not be recorded'));
    throw Object.assign(error as Error, { status: 500 });
  }
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
