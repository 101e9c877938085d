// How a child notices that its supervisor is gone, kill -9 included: the IPC channel closes with the process.
// Promises: does nothing in a process that was not forked. Leaves to the caller: what to do then.
// A child that blocks its event loop cannot notice; keep long computations in worker threads.

/** Calls `onLost` once when the parent is gone. The channel alone does not keep this process alive. */
export function exitWithParent(onLost: () => void): void {
  if (process.send === undefined) return;
  if (!process.connected) {
    queueMicrotask(onLost);
    return;
  }
  process.once('disconnect', onLost);
  process.channel?.unref();
}
