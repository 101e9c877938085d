// Answers on their way to the database, on this machine's disk first: one that is sent is stored, also when this process
// is killed or the database is away at that moment.
// Promises: a line is in the file before `add` returns, and there until `done`; a line that is torn belonged to an answer
// that was never sent. Leaves to others: writing the rows, which may happen twice (ledger.ts).
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Bytes after which a file that is never empty is written anew. */
const LARGE = 2 ** 20;

export class Unrecorded<T> {
  readonly #lines = new Map<number, string>();
  #file: number;
  #size = 0;
  #next = 0;

  constructor(readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.#file = openSync(path, 'a', 0o600);
  }

  /** What an earlier process left behind, taken over: each is to be ended with `done`. */
  takeOver(): { id: number; entry: T }[] {
    const left = readFileSync(this.path, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const entry = parsed<T>(line);
        return entry === undefined ? [] : [{ line: `${line}\n`, entry }];
      })
      .map(({ line, entry }) => ({ id: this.#keep(line), entry }));
    this.#rewrite();
    return left;
  }

  /** How many are on their way. */
  get size(): number {
    return this.#lines.size;
  }

  add(entry: T): number {
    const line = `${JSON.stringify(entry)}\n`;
    this.#size += writeSync(this.#file, line);
    return this.#keep(line);
  }

  done(id: number): void {
    this.#lines.delete(id);
    if (this.#lines.size === 0) {
      ftruncateSync(this.#file);
      this.#size = 0;
    } else if (this.#size > LARGE) this.#rewrite();
  }

  close(): void {
    closeSync(this.#file);
  }

  #keep(line: string): number {
    const id = this.#next++;
    this.#lines.set(id, line);
    return id;
  }

  #rewrite(): void {
    const text = [...this.#lines.values()].join('');
    writeFileSync(`${this.path}.new`, text, { mode: 0o600 });
    renameSync(`${this.path}.new`, this.path);
    closeSync(this.#file);
    this.#file = openSync(this.path, 'a', 0o600);
    // What is still wanted does not count: else a long line of them would be written anew for each.
    this.#size = 0;
  }
}

function parsed<T>(line: string): T | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as T);
  } catch {
    return undefined;
  }
}
