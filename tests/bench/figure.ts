// What a bench says: measured figures beside a reference that was measured in the same call, on the same machine.
export interface Figure {
  readonly name: string;
  readonly figure: number;
  readonly unit: 'ms' | 's' | '1/h' | '1/s' | 'MiB' | 'B' | '1';
  /** The same unit, measured in this call. */
  readonly reference: number;
  /** figure / reference: below 1 is faster than the reference. */
  readonly ratio: number;
  readonly note: string;
}

/** One bench: runs its references itself. `progress` goes to stderr. */
export type Bench = (progress: (line: string) => void) => Promise<Figure[]>;

export const figure = (
  name: string,
  unit: Figure['unit'],
  measured: number,
  reference: number,
  note: string,
): Figure => ({ name, figure: measured, unit, reference, ratio: measured / reference, note });

/** Milliseconds of each of `times` runs, after one that is not counted. */
export async function timed(times: number, work: (run: number) => unknown): Promise<number[]> {
  await work(0);
  const spent: number[] = [];
  for (let run = 1; run <= times; run++) {
    const started = performance.now();
    await work(run);
    spent.push(performance.now() - started);
  }
  return spent;
}

/** The value at rank ceil(p n) of the sorted list. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)]!;
}
