// The validators' process as the bench calls it.
import { fork } from 'node:child_process';
import type { AxonAddress } from '../../../miner/validator/wire.js';
import type { Call, Calls } from './client.js';

export interface Client {
  call<N extends keyof Calls>(name: N, ...args: Parameters<Calls[N]>): ReturnType<Calls[N]>;
  close(): Promise<void>;
}

export function openClient(axon: AxonAddress, validators: number): Client {
  const child = fork(new URL('./client.js', import.meta.url), [JSON.stringify(axon), String(validators)], {
    execArgv: [],
  });
  const waiting = new Map<number, { resolve(output: unknown): void; reject(error: Error): void }>();
  let next = 0;
  child.on('message', ({ id, output }: { id: number; output: unknown }) => {
    waiting.get(id)?.resolve(output);
    waiting.delete(id);
  });
  child.once('exit', (code) => {
    for (const { reject } of waiting.values())
      reject(new Error(`the validators' process ended with code ${code}`));
  });
  return {
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve, reject });
        child.send({ id, name, args } satisfies Call);
      }) as never,
    async close() {
      if (child.exitCode === null) child.disconnect();
    },
  };
}
