// Sending an extrinsic and following it into a block, to the end: whether the call in it succeeded is read from the
// block's own events, since an extrinsic that is included may still have failed.
// Promises: success means a finalized block that says so; when the connection ends before that, the error says that the
// outcome is not known. Leaves to others: making it again.
import { z } from 'zod';
import { asked, type Chain } from './client.js';
import { malformed, refused, unreachable, words } from './failure.js';
import { type Runtime, toHex } from './runtime.js';
import { RpcRefusal } from './socket.js';

/** "Custom error: N" of the pool, by this chain's own numbers. */
const POOL_ERRORS: Readonly<Record<string, string>> = {
  '10': 'the hotkey is not registered on this subnet',
  '11': 'the address cannot be that of an axon',
  '12': 'the axon was announced too recently',
  '13': 'the port cannot be that of an axon',
};

const status = z.union([
  z.string(),
  z.object({ finalized: z.string() }),
  z.object({ inBlock: z.string() }),
  z.record(z.string(), z.unknown()),
]);
const ENDED = new Set(['dropped', 'invalid', 'usurped', 'finalityTimeout']);

/** Resolves with the hash of the finalized block. SWARM_E_CHAIN_REFUSED, SWARM_E_CHAIN_UNREACHABLE. */
export async function submit(
  chain: Chain,
  runtime: Runtime,
  extrinsic: Uint8Array,
  progress: (text: string) => void = () => undefined,
): Promise<string> {
  const text = toHex(extrinsic);
  let block: string | null = null;
  try {
    await chain.socket.watch(
      'author_submitAndWatchExtrinsic',
      [text],
      'author_unwatchExtrinsic',
      (message) => {
        const state = status.parse(message);
        const name = typeof state === 'string' ? state : (Object.keys(state)[0] ?? '');
        if (ENDED.has(name)) throw refused(`the extrinsic is ${name}`, 'Nothing was done: try again.');
        if (typeof state === 'string') return false;
        progress(name);
        if (name !== 'finalized') return false;
        block = String((state as { finalized: string }).finalized);
        return true;
      },
    );
  } catch (error) {
    throw told(chain.endpoint, error);
  }
  await assertSucceeded(chain, runtime, block!, text);
  return block!;
}

function told(endpoint: string, error: unknown): Error {
  if (error instanceof RpcRefusal) {
    const number = /Custom error: (\d+)/.exec(`${error.data} ${error.message}`)?.[1];
    const what = number === undefined ? undefined : POOL_ERRORS[number];
    return refused(what ?? words(`${error.message} ${error.data}`), 'Nothing was sent.', error);
  }
  if ((error as { code?: string }).code !== 'SWARM_E_CHAIN_UNREACHABLE') return error as Error;
  return unreachable(
    endpoint,
    'the connection ended before the extrinsic was final: whether it is in a block is not known; `swarm wallet show` tells',
    error,
  );
}

const event = z.object({
  phase: z.object({ type: z.string(), value: z.unknown() }),
  event: z.object({ type: z.string(), value: z.object({ type: z.string(), value: z.unknown() }) }),
});
const dispatchError = z.object({ dispatch_error: z.object({ type: z.string(), value: z.unknown() }) });

async function assertSucceeded(
  chain: Chain,
  runtime: Runtime,
  block: string,
  extrinsic: string,
): Promise<void> {
  const shape = z.object({ block: z.object({ extrinsics: z.array(z.string()) }) });
  const found = await asked(chain.socket, shape, 'chain_getBlock', [block]);
  const index = found.block.extrinsics.indexOf(extrinsic);
  const question = runtime.storage('System', 'Events', []);
  const events = z
    .array(event)
    .parse(question.decode(await chain.socket.call('state_getStorage', [question.data, block])));
  const own = events.filter(({ phase }) => phase.type === 'ApplyExtrinsic' && phase.value === index);
  const outcome = own.find(({ event: { type, value } }) => type === 'System' && OUTCOMES.has(value.type));
  if (index < 0 || outcome === undefined)
    throw malformed(chain.endpoint, `block ${block} does not say what became of the extrinsic`);
  if (outcome.event.value.type === 'ExtrinsicSuccess') return;
  throw refused(
    `the call failed in block ${block}: ${errorText(outcome.event.value.value)}`,
    'The fee was paid; nothing else was done.',
  );
}

const OUTCOMES = new Set(['ExtrinsicSuccess', 'ExtrinsicFailed']);

/** `SubtensorModule.NotEnoughBalanceToStake`, say. */
function errorText(value: unknown): string {
  const parsed = dispatchError.safeParse(value);
  if (!parsed.success) return 'for a reason that cannot be read';
  const names: string[] = [];
  for (let inner: unknown = parsed.data.dispatch_error; names.length < 4; ) {
    const one = z.object({ type: z.string(), value: z.unknown() }).safeParse(inner);
    if (!one.success) break;
    names.push(one.data.type);
    inner = one.data.value;
  }
  return names.filter((name) => name !== 'Module').join('.');
}
