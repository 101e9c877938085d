// A thread of the laboratory and what it is asked to do on one slot.
// Promises: the thread and its models end with the command; the calling thread computes nothing.

import type { BacktestData } from '../../forecast/backtest/scorer.js';
import { CODE_VERSION } from '../../forecast/code-version.js';
import { type Offload, offload } from '../../forecast/offload.js';
import { labCodeVersion } from './code.js';
import { makeDirectory } from './files.js';
import type { LabBars, LabSlot } from './slot.js';
import type { LabJobs } from './worker.js';

export interface Lab {
  readonly code: string;
  readonly thread: Offload<LabJobs>;
  /** Takes up a slot. */
  open(slot: LabSlot, bars: LabBars, paths: number): Promise<void>;
}

/** Runs `use` beside a worker thread. `fits` names a directory of fits that outlast the run. */
export async function inLab<T>(fits: string | undefined, use: (lab: Lab) => Promise<T>): Promise<T> {
  if (fits !== undefined) makeDirectory(fits);
  const code = labCodeVersion();
  const thread = offload<LabJobs>(new URL('./worker.js', import.meta.url));
  try {
    return await use({
      code,
      thread,
      async open(slot, { bars, peers, dataset_digest }, paths) {
        const data: BacktestData = {
          slot: slot.slot,
          bars,
          peers,
          competition: slot.competition,
          paths,
          dataset_digest,
          code_version: CODE_VERSION,
        };
        await thread.call('open', { data, code, ...(fits === undefined ? {} : { fits }) });
      },
    });
  } finally {
    // A sandbox closes in order; a thread that is gone took its own with it.
    await thread.call('close', undefined).catch(() => undefined);
    await thread.close();
  }
}
