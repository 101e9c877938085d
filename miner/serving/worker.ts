// A simulating thread of the miner.
import { serveJobs } from '../../forecast/offload.js';
import { drop, load, rest, score, simulate } from './jobs.js';

const jobs = { load, rest, drop, simulate, score };
export type ServingJobs = typeof jobs;

serveJobs(jobs);
