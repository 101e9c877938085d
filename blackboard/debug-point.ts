// Named instants at which a test stops a process of the swarm, looks at what it has done so far, and kills it there.
// Promises: nothing happens anywhere else. A point stops only where SWARM_DEBUG_POINT names it and the process was forked with an
// IPC channel by somebody who listens; `swarm up` passes no such variable on, and a shell opens no such channel.
// A process that has reached its point says so to its parent once and waits until it is released or killed. Its timers go on:
// it renews its leases and its heart beats, as in any process whose work takes long.

/** Every point, in the order in which a piece of work comes by, and what is true there. */
export const debugPoints = {
  'decision.before-commit': 'briefing and decision are written, their transaction is open',
  'decision.after-commit': 'a decision stands, nothing was done about it yet',
  'experiment.leased': 'the lease on an experiment is taken, nothing was fitted',
  'experiment.fitted': 'a model is fitted and scored, its bytes are in this process alone',
  'artifact.before-rename': 'an artifact is on disk under the name of its draft',
  'experiment.stored': 'the artifact is in the store, no row names it',
  'claim.before-commit': 'experiment and claim are written, their transaction is open',
  'claim.after-commit': 'experiment and claim stand, the lease is still held',
  'check.leased': 'the lease on a check is taken',
  'check.measured': 'a claim is measured, nothing is written',
  'verdict.before-commit': 'the verdict is written, its transaction is open',
  'verdict.after-commit': 'the verdict stands, the lease is still held',
  'gate.leased': 'the lease on a gate is taken',
  'found.stored': 'the reference miner is in the store, no reign names it',
  'found.before-commit': 'reign 0 is written, its transaction is open',
  'found.after-commit': 'reign 0 stands',
  'challenger.before-commit': 'a challenger is written, its transaction is open',
  'challenger.after-commit': 'a challenger stands',
  'gate-step.before-commit': 'windows of a shadow are written, their transaction is open',
  'gate-step.after-commit': 'windows of a shadow stand',
  'promotion.half-written':
    'a promotion is written and its rollback challenger is not, the transaction is open',
  'promotion.after-commit': 'a promotion stands, nobody was told',
  'champion.loaded': 'a new champion is loaded and does not serve yet',
  'answer.made': 'an answer is drawn, neither recorded nor sent',
  'answer.half-recorded': 'the prompt has its row, the answer has none',
  'answer.recorded': 'the answer has its row and was not sent',
  'prompt.judged': 'an answer came and was judged, no note of it is kept',
  'prompt.noted': 'an answer waits for its horizon on disk, the prompt may have no row',
  'outcome.measured': 'the field is scored on a prompt, nothing is written',
  'outcome.written': 'outcomes stand, the prompt still waits on disk',
  'reward.before-insert': 'shares are worked out, nothing is written',
  'reward.written': 'shares stand',
  'feed.half-day': 'one of the series of a day is written',
  'feed.day-written': 'all series of a day are written for one asset',
  'relay.connected': 'the relay has its stream, consumers may be missing',
  'relay.read': 'events were read from the outbox, none is published',
  'relay.published': 'events are published and not marked',
  'relay.marked': 'events are marked as published',
  'inbox.before-commit': 'an effect and the inbox rows of what rang are written, the transaction is open',
  'inbox.before-ack': 'an effect and its inbox rows stand, nothing is acknowledged',
  'dead-letter.before-term': 'a dead letter stands, the server would still deliver it',
  'archive.stored': 'a month of records is in the store, none has left its table',
  'archive.before-commit': 'the records of a month have left, the transaction is open',
  'migration.before-commit': 'a migration is applied and written down, its transaction is open',
} as const;

export type DebugPoint = keyof typeof debugPoints;

const armed = process.env['SWARM_DEBUG_POINT'];
let hasStopped = false;

/** Where a test asked for it, tells the parent `{ reached: point }` and waits for its `{ release: point }`. */
export async function debugPoint(point: DebugPoint): Promise<void> {
  if (armed !== point || hasStopped || process.send === undefined) return;
  hasStopped = true;
  const released = new Promise<void>((resolve) => {
    const hear = (message: unknown): void => {
      if ((message as { release?: unknown } | null)?.release !== point) return;
      process.off('message', hear);
      resolve();
    };
    process.on('message', hear);
  });
  process.send({ reached: point });
  await released;
}
