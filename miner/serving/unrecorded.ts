// Answers on their way to the database, on this machine's disk first: one that is sent is stored, also when this process
// is killed or the database is away at that moment.
// Promises: a line is in the file before `add` returns, and there until `done`; a line that is torn belonged to an answer
// that was never sent. What the database has not taken within a tenth of a second is on the disk itself soon after, so that a
// power cut loses less than a second of it; no answer waits for that, and none that the database takes at once costs a sync.
// Leaves to others: writing the rows, which may happen twice (ledger.ts).
import {
  closeSync,
  fdatasync,
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
/** How long a line may be in the file and not on the disk itself, but for the time that a sync takes. */
const UNSYNCED_MS = 100;

export class Unrecorded<T> {
  readonly #lines = new Map<number, string>();
  #file: number;
  #size = 0;
  #next = 0;
  #unsynced = false;
  #syncing: NodeJS.Timeout | null = null;
  #broken: Error | null = null;

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

  /** Throws where the file cannot be written, or the disk failed to take what was. */
  add(entry: T): number {
    if (this.#broken !== null) throw this.#broken;
    const line = `${JSON.stringify(entry)}\n`;
    this.#size += writeSync(this.#file, line);
    this.#unsynced = true;
    this.#syncSoon();
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
    if (this.#syncing !== null) clearTimeout(this.#syncing);
    this.#broken = new Error('the file is closed');
    closeSync(this.#file);
  }

  #syncSoon(): void {
    this.#syncing ??= setTimeout(() => {
      if (this.#lines.size === 0 || !this.#unsynced) {
        this.#syncing = null;
        return;
      }
      this.#unsynced = false;
      const file = this.#file;
      fdatasync(file, (error) => {
        this.#syncing = null;
        // A file that was written anew meanwhile is on the disk already.
        if (error !== null && file === this.#file) this.#broken ??= error;
        if (this.#unsynced && this.#broken === null) this.#syncSoon();
      });
    }, UNSYNCED_MS).unref();
  }

  #keep(line: string): number {
    const id = this.#next++;
    this.#lines.set(id, line);
    return id;
  }

  #rewrite(): void {
    const text = [...this.#lines.values()].join('');
    // On the disk before it takes the name of the one that may be there.
    writeFileSync(`${this.path}.new`, text, { mode: 0o600, flush: text !== '' });
    renameSync(`${this.path}.new`, this.path);
    const before = this.#file;
    this.#file = openSync(this.path, 'a', 0o600);
    closeSync(before);
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
