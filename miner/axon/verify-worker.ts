// The thread that verifies signatures: a forged one costs 1.2 ms of work, which the thread that serves does not have to spare.
import { serveJobs } from '../../forecast/offload.js';
import { cryptoReady, verify } from '../wallet/sr25519.js';

const jobs = {
  async verify(input: { message: string; signature: string; key: Uint8Array }): Promise<boolean> {
    await cryptoReady();
    return verify(input.message, input.signature, input.key);
  },
};

export type VerifyJobs = typeof jobs;

serveJobs(jobs);
