// The writing thread of the miner: apart from the simulating ones, so that no answer that is ready waits for a forecast.
import { serveJobs } from '../../forecast/offload.js';
import { write } from './writing.js';

const jobs = { write };
export type WritingJobs = typeof jobs;

serveJobs(jobs);
