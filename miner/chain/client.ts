// One connection to the chain, with the runtime that it serves at the block that is read.
// Promises: the chain is the one that was asked for (its genesis), everything of one look is read at one finalized block,
// and a runtime that was upgraded is read anew before anything is decoded with it. Leaves to others: what is read.
import { z } from 'zod';
import { SwarmError } from '../../blackboard/errors.js';
import { malformed, otherChain, unreachable, words } from './failure.js';
import type { Network } from './network.js';
import { loadRuntime, METADATA_VERSION, type Question, type Runtime } from './runtime.js';
import { type NodeSocket, openSocket, RpcRefusal, SOCKET_LIMITS, type SocketLimits } from './socket.js';

/** The chain as it was at one finalized block. */
export interface Look {
  readonly hash: string;
  readonly block: number;
  readonly runtime: Runtime;
  ask(question: Question): Promise<unknown>;
}

export interface Chain {
  readonly endpoint: string;
  readonly genesis: string;
  readonly socket: NodeSocket;
  /** The finalized head. */
  look(): Promise<Look>;
  close(): void;
}

const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const header = z.object({ number: z.string().regex(/^0x[0-9a-f]{1,8}$/) });
const version = z.object({
  specVersion: z.number().int(),
  transactionVersion: z.number().int(),
});

export async function openChain(
  endpoint: string,
  genesis: string | null,
  limits: SocketLimits = SOCKET_LIMITS,
): Promise<Chain> {
  const socket = await openSocket(endpoint, limits);
  try {
    const found = await asked(socket, hash, 'chain_getBlockHash', [0]);
    if (genesis !== null && found !== genesis) throw otherChain(endpoint, found, genesis);
    let runtime: Runtime | null = null;
    return {
      endpoint,
      genesis: found,
      socket,
      async look() {
        const at = await asked(socket, hash, 'chain_getFinalizedHead', []);
        const [head, running] = await Promise.all([
          asked(socket, header, 'chain_getHeader', [at]),
          asked(socket, version, 'state_getRuntimeVersion', [at]),
        ]);
        if (runtime?.version.spec !== running.specVersion) runtime = await runtimeAt(socket, at, running);
        return {
          hash: at,
          block: Number(head.number),
          runtime,
          ask: (question) => answer(socket, question, at),
        };
      },
      close: () => socket.close(),
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Tries every endpoint in turn and hands the first that answers to `use`; a one-off look. */
export async function withChain<T>(
  { endpoints, genesis }: Network,
  use: (chain: Chain) => Promise<T>,
  limits?: SocketLimits,
): Promise<T> {
  const failures: Error[] = [];
  for (const endpoint of endpoints) {
    let chain: Chain;
    try {
      chain = await openChain(endpoint, genesis, limits);
    } catch (error) {
      failures.push(error as Error);
      continue;
    }
    try {
      return await use(chain);
    } catch (error) {
      if (!isEndpointTrouble(error)) throw error;
      failures.push(error as Error);
    } finally {
      chain.close();
    }
  }
  const [only] = failures;
  if (failures.length === 1) throw only;
  throw unreachable('no endpoint', failures.map(({ message }) => message).join('; '));
}

const TROUBLE = new Set<unknown>([
  'SWARM_E_CHAIN_UNREACHABLE',
  'SWARM_E_CHAIN_RESPONSE',
  'SWARM_E_CHAIN_WRONG',
]);

/** Whether another endpoint may do better. */
const isEndpointTrouble = (error: unknown): boolean => error instanceof SwarmError && TROUBLE.has(error.code);

async function runtimeAt(
  socket: NodeSocket,
  at: string,
  { specVersion: spec, transactionVersion: transaction }: z.infer<typeof version>,
): Promise<Runtime> {
  const wanted = Buffer.alloc(4);
  wanted.writeUInt32LE(METADATA_VERSION);
  const metadata = await rpc(socket, 'state_call', [
    'Metadata_metadata_at_version',
    `0x${wanted.toString('hex')}`,
    at,
  ]);
  return loadRuntime(socket.url, metadata, { spec, transaction });
}

const answer = async (socket: NodeSocket, { method, data, decode }: Question, at: string): Promise<unknown> =>
  decode(
    method === 'state_getStorage'
      ? await rpc(socket, method, [data, at])
      : await rpc(socket, 'state_call', [method, data, at]),
  );

/** A plain call whose answer must have a shape. */
export async function asked<T>(
  socket: NodeSocket,
  shape: z.ZodType<T>,
  method: string,
  params: readonly unknown[],
): Promise<T> {
  const parsed = shape.safeParse(await rpc(socket, method, params));
  if (parsed.success) return parsed.data;
  throw malformed(socket.url, `${method} answers something else`, parsed.error);
}

/** A question about what is there: a node that refuses it is a node that cannot be used. */
async function rpc(socket: NodeSocket, method: string, params: readonly unknown[]): Promise<unknown> {
  try {
    return await socket.call(method, params);
  } catch (error) {
    if (error instanceof RpcRefusal)
      throw malformed(socket.url, `${method} is refused: ${words(`${error.message} ${error.data}`)}`, error);
    throw error;
  }
}
