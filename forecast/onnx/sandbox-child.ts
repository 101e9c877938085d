// The inside of the sandbox: opens one untrusted model and answers simulate requests until its parent goes away.
// Promises: touches nothing but its IPC channel; exits when the channel closes, so it never outlives the parent.
// Leaves to others: every limit. Those are set around this process by sandbox.ts.
import { rmdirSync } from 'node:fs';
import { basename } from 'node:path';
import { ForecastError } from '../errors.js';
import type { FromChild, ToChild } from './sandbox-messages.js';
import { openInProcess, type Simulator } from './session.js';

let simulator: Simulator | undefined;

async function answer(message: ToChild): Promise<Float32Array> {
  if (message.kind === 'open') {
    simulator = await openInProcess(message.bytes);
    return new Float32Array(0);
  }
  if (!simulator) throw new ForecastError('SWARM_E_MODEL_FAILED', 'no model is open', 'open one first');
  return simulator.simulate(message.request);
}

function say(message: FromChild): void {
  process.send?.(message);
}

process.on('disconnect', () => {
  // A parent that was killed cannot remove the empty directory it made for this process.
  if (basename(process.cwd()).startsWith('model-')) rmdirSync(process.cwd());
  process.exit(0);
});
process.on('message', (message: ToChild) => {
  answer(message).then(
    (logReturns) => say({ kind: 'done', id: message.id, logReturns }),
    (error: unknown) => {
      const known = error instanceof ForecastError;
      const text = error instanceof Error ? error.message : String(error);
      say({
        kind: 'failed',
        id: message.id,
        code: known ? error.code : 'SWARM_E_MODEL_FAILED',
        message: known ? text : `model failed: ${text}`,
        hint: known ? error.hint : 'the model broke the process that opened it; do not serve it',
      });
    },
  );
});
say({ kind: 'ready' });
