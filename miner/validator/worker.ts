// The validator's thread.
import { serveJobs } from '../../forecast/offload.js';
import { forget, judge, score } from './jobs.js';

const jobs = { judge, score, forget };
export type ValidatorJobs = typeof jobs;

serveJobs(jobs);
