// The miner's answering thread.
import { serveJobs } from '../../forecast/offload.js';
import { answer, drop, load } from './jobs.js';

const jobs = { load, drop, answer };
export type ServingJobs = typeof jobs;

serveJobs(jobs);
