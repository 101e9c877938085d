// A line that is written over itself while work goes on.
// Promises: on a terminal only, on stderr, and gone when the result is printed.

export interface Progress {
  show(text: string): void;
  clear(): void;
}

export function progress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { show: () => undefined, clear: () => undefined };
  return {
    show(text) {
      stream.write(`\r\u001b[2K${text.slice(0, Math.max(20, (stream.columns || 80) - 1))}`);
    },
    clear() {
      stream.write('\r\u001b[2K');
    },
  };
}

/** `[=====>    ] 12/40, 1:20 left` from what is done, of how much, in which time. */
export function bar(done: number, total: number, elapsed_ms: number): string {
  const width = 24;
  const full = Math.round((width * done) / Math.max(1, total));
  const left = done === 0 ? '' : `, ${clock((elapsed_ms / done) * (total - done))} left`;
  return `[${'='.repeat(full)}${' '.repeat(width - full)}] ${done}/${total}${left}`;
}

function clock(ms: number): string {
  const s = Math.round(ms / 1000);
  const minutes = Math.floor(s / 60);
  return minutes < 60
    ? `${minutes}:${String(s % 60).padStart(2, '0')}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')} h`;
}
