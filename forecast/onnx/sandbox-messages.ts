// What parent and sandboxed child say to each other, over one IPC channel.
// Promises: plain structured-clone data. Leaves ordering and time limits to sandbox.ts.
import type { ForecastErrorCode } from '../errors.js';
import type { SimulateRequest } from './session.js';

export type ToChild =
  | { readonly kind: 'open'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'simulate'; readonly id: number; readonly request: SimulateRequest };

export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly logReturns: Float32Array }
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly code: ForecastErrorCode;
      readonly message: string;
      readonly hint: string;
    };
