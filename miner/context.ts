// What a long-running process of this room is given: the same things as any agent's, by structure.
import type { Logger } from 'pino';
import type { ArtifactStore } from '../blackboard/artifacts.js';
import type { Db } from '../blackboard/db.js';
import type { Doorbell } from '../blackboard/events/doorbell.js';
import type { MarketClock } from '../blackboard/market.js';
import type { Profile } from './sn50/profile.js';

export interface MinerContext {
  readonly db: Db;
  readonly store: ArtifactStore;
  readonly bell: Doorbell;
  readonly log: Logger;
  readonly profile: Profile;
  readonly clock: MarketClock;
  readonly seed: string;
  readonly stopping: AbortSignal;
  stamp(): { id: string; agent_id: string };
  alert(severity: 'info' | 'warning' | 'error', code: string, message: string): Promise<void>;
}

/** A process of this room: `step` is called again and again, false when there is nothing to do. */
export interface MinerProcess {
  step(): Promise<boolean>;
  close(): Promise<void>;
}
