// An OpenAI-compatible server on a real socket whose answers a test scripts, one behaviour per request.
// Promises: it records every request as it came over the wire, counts tokens the same way each time, and closes at once
// whatever still hangs. Leaves to scripts.ts: models with a mind of their own.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WireMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content?: string | null;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly { readonly id: string; readonly function: WireCall }[];
}

export interface WireCall {
  readonly name: string;
  readonly arguments: string;
}

export interface WireRequest {
  readonly model: string;
  readonly messages: readonly WireMessage[];
  readonly tools?: readonly { readonly function: { readonly name: string; readonly parameters: unknown } }[];
  readonly response_format?: unknown;
  readonly temperature?: number;
  readonly max_completion_tokens?: number;
  readonly max_tokens?: number;
  readonly stream?: boolean;
}

/** What the server does with one request. */
export type Behaviour =
  | { readonly kind: 'text'; readonly content: string; readonly usage?: Usage }
  | {
      readonly kind: 'tools';
      readonly calls: readonly { name: string; args: unknown }[];
      readonly content?: string;
    }
  | { readonly kind: 'refusal'; readonly text: string }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** A reply whose body is this text, whatever it is. */
  | { readonly kind: 'raw'; readonly body: string }
  /** Answered only after `release` was called. */
  | { readonly kind: 'slow'; readonly answer: Behaviour }
  /** The connection is cut before any answer. */
  | { readonly kind: 'cut' };

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

/** A model: from the request, and how many it has had before, to what happens. */
export type Script = (request: WireRequest, index: number) => Behaviour;

export interface LlmServer {
  /** Base URL as SWARM_LLM_BASE_URL takes it. */
  readonly url: string;
  readonly requests: readonly {
    readonly body: WireRequest;
    readonly key: string | undefined;
    readonly at: number;
  }[];
  script(next: Script): void;
  /** Lets every slow answer go, now and later. */
  release(): void;
  /** Resolves when the next request has arrived. */
  arrival(): Promise<unknown>;
  close(): Promise<void>;
}

/** Four characters to a token: what matters is that it never exceeds the bytes. */
const tokens = (text: string): number => Math.ceil(text.length / 4);

export async function openLlmServer(script: Script): Promise<LlmServer> {
  let current = script;
  let from = 0;
  let free = false;
  const waiting: (() => void)[] = [];
  const requests: { body: WireRequest; key: string | undefined; at: number }[] = [];
  const server = createServer((request, response) => {
    void serve(request, response).catch((error) => response.destroy(error as Error));
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    if (request.method !== 'POST' || !request.url?.endsWith('/chat/completions')) {
      response.writeHead(404).end();
      return;
    }
    const body = JSON.parse(text) as WireRequest;
    requests.push({ body, key: request.headers.authorization, at: performance.now() });
    server.emit('arrival');
    await act(current(body, requests.length - 1 - from), { body, bytes: text, response });
  }

  async function act(
    behaviour: Behaviour,
    on: { body: WireRequest; bytes: string; response: ServerResponse },
  ): Promise<void> {
    const { response } = on;
    switch (behaviour.kind) {
      case 'cut':
        response.destroy();
        return;
      case 'slow':
        if (!free) await new Promise<void>((resolve) => waiting.push(resolve));
        return act(behaviour.answer, on);
      case 'raw':
        response.writeHead(200, { 'content-type': 'application/json' }).end(behaviour.body);
        return;
      case 'status':
        response
          .writeHead(behaviour.status, { 'content-type': 'application/json', ...behaviour.headers })
          .end(JSON.stringify({ error: { message: `scripted ${behaviour.status}`, type: 'scripted' } }));
        return;
      default: {
        const message = messageOf(behaviour, requests.length);
        const usage = (behaviour.kind === 'text' ? behaviour.usage : undefined) ?? {
          prompt_tokens: tokens(on.bytes),
          completion_tokens: tokens(JSON.stringify(message)),
        };
        response.writeHead(200, { 'content-type': 'application/json' }).end(
          JSON.stringify({
            id: `chatcmpl-${requests.length}`,
            object: 'chat.completion',
            created: 0,
            model: on.body.model,
            choices: [
              { index: 0, message, finish_reason: behaviour.kind === 'tools' ? 'tool_calls' : 'stop' },
            ],
            usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens },
          }),
        );
      }
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    script(next) {
      current = next;
      from = requests.length;
    },
    release() {
      free = true;
      for (const resolve of waiting.splice(0)) resolve();
    },
    arrival: () => once(server, 'arrival'),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function messageOf(
  behaviour: Extract<Behaviour, { kind: 'text' | 'tools' | 'refusal' }>,
  index: number,
): unknown {
  if (behaviour.kind === 'text') return { role: 'assistant', content: behaviour.content, refusal: null };
  if (behaviour.kind === 'refusal') return { role: 'assistant', content: null, refusal: behaviour.text };
  return {
    role: 'assistant',
    content: behaviour.content ?? null,
    refusal: null,
    tool_calls: behaviour.calls.map(({ name, args }, i) => ({
      id: `call_${index}_${i}`,
      type: 'function',
      function: { name, arguments: typeof args === 'string' ? args : JSON.stringify(args) },
    })),
  };
}
