// The trainer's worker thread: everything that takes CPU, one job after the other.
import { serveJobs } from '../../forecast/offload.js';
import { assess } from './assess.js';
import { experiment } from './experiment.js';
import { shadow } from './shadow.js';

const jobs = { experiment, assess, shadow };
export type TrainerJobs = typeof jobs;

serveJobs(jobs);
