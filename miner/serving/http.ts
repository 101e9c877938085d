// The miner's HTTP face on loopback: POST /Simulation with the subnet's JSON body, POST /Synapse as a ping, GET /health.
// Bounded bodies, exact JSON, and an error that names its code; the signed wire protocol is the axon's (axon/).
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { SwarmError } from '../../blackboard/errors.js';
import { parsePrompt, parseStart } from '../sn50/prompt.js';
import { lawOf } from './law.js';
import { type Served, serve } from './serve.js';

const BODY_LIMIT = 64 * 1024;

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

function send(response: ServerResponse, status: number, ...pieces: readonly (string | Uint8Array)[]): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0),
    // After a refusal the rest of the body, if any, is not worth reading.
    ...(status === 413 ? { connection: 'close' } : {}),
  });
  for (const piece of pieces) response.write(piece);
  response.end();
}

async function simulation(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const synapse = parsed(await body(request)) as { simulation_input?: unknown } | null;
  const prompt = parsePrompt(synapse?.simulation_input);
  const law = lawOf(served.context, prompt);
  const validator = String(request.headers['bt_header_dendrite_hotkey'] ?? 'anonymous').slice(0, 64);
  try {
    const { rest, latency_ms } = await serve(
      served,
      law,
      prompt,
      validator,
      performance.now() + timeoutMs(request),
    );
    const echo = JSON.stringify(synapse?.simulation_input);
    const axon = `{"status_code":200,"status_message":"Success","process_time":${latency_ms / 1000}}`;
    send(
      response,
      200,
      `{"name":"Simulation","timeout":12.0,"total_size":0,"header_size":0,"dendrite":{},"axon":${axon},"computed_body_hash":"","simulation_input":${echo},"simulation_output":[${parseStart(prompt.start_time)}`,
      rest.bytes,
      '}',
    );
  } catch (error) {
    throw Object.assign(error as Error, { status: 500 });
  }
}

const DEFAULT_TIMEOUT_S = 12;

/** What the caller says that it waits, within the subnet's bounds. */
function timeoutMs({ headers }: IncomingMessage): number {
  const asked = Number(headers['timeout'] ?? DEFAULT_TIMEOUT_S);
  return 1000 * (asked > 0 && asked <= 600 ? asked : DEFAULT_TIMEOUT_S);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(422, `the body is not JSON: ${(error as Error).message}`);
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
