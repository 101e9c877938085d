// The validators of the bench, in a process of their own: what they read and judge is not the miner's memory, nor its GC.
// argv: the miner as JSON, and how many validators there are. Over the channel: calls in, results out; it ends with its parent.
import type { AxonAddress } from '../../../miner/validator/wire.js';
import { cryptoReady } from '../../../miner/wallet/sr25519.js';
import { ask, flood, type Question, stream, validators } from './load.js';

const calls = {
  ask: (question: Question) => ask(target, question),
  all: (questions: readonly Question[]) => Promise.all(questions.map((one) => ask(target, one))),
  stream: (count: number, every_ms: number, gzip: boolean) => stream(target, count, every_ms, gzip),
  /** Runs until `calm`. */
  flood: (per_minute: number) => flood(target, per_minute, flooding.signal),
  async calm() {
    flooding.abort();
    flooding = new AbortController();
  },
};
export type Calls = typeof calls;

export interface Call {
  readonly id: number;
  readonly name: keyof Calls;
  readonly args: readonly unknown[];
}

let flooding = new AbortController();
const [axon, count] = process.argv.slice(2);
await cryptoReady();
const target = { axon: JSON.parse(axon!) as AxonAddress, dendrites: validators(Number(count)) };
process.on('message', async ({ id, name, args }: Call) => {
  const output = await (calls[name] as (...given: readonly unknown[]) => Promise<unknown>)(...args);
  process.send!({ id, output });
});
process.on('disconnect', () => process.exit());
