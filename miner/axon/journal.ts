// The nonces that were ahead of this clock when they were used: the only ones that could be used again after a restart,
// since all others are older than it. They are on disk before their request is answered.
// Promises: a few lines, rewritten when they grow; a file that is torn has lost a request that was never answered.
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Lines after which those that time has overtaken are dropped. */
const LINES = 4096;
const LINE = /^(\d{1,20}) (\S+) (\S.*)$/;

export interface Used {
  readonly hotkey: string;
  readonly uuid: string;
  readonly nonce: bigint;
}

export class NonceJournal {
  #kept: Used[] = [];

  constructor(readonly file: string) {
    mkdirSync(dirname(file), { recursive: true });
  }

  /** What was used before and is not older than `since_ns`. */
  read(since_ns: bigint): readonly Used[] {
    let text = '';
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      // Without it, replays could not be told: a file that is there and cannot be read ends the start.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const lines = text.split('\n').flatMap((line) => {
      const [, nonce, hotkey, uuid] = LINE.exec(line) ?? [];
      return nonce === undefined ? [] : [{ nonce: BigInt(nonce), hotkey: hotkey!, uuid: uuid! }];
    });
    this.#rewrite(lines.filter(({ nonce }) => nonce > since_ns));
    return this.#kept;
  }

  add(used: Used, now_ns: bigint): void {
    if (this.#kept.length >= LINES) this.#rewrite(this.#kept.filter(({ nonce }) => nonce > now_ns));
    this.#kept.push(used);
    appendFileSync(this.file, written(used), { mode: 0o600 });
  }

  #rewrite(kept: Used[]): void {
    this.#kept = kept;
    writeFileSync(`${this.file}.new`, kept.map(written).join(''), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }
}

/** The uuid is the caller's own text, up to 160 characters of what a header may hold: no line ends among them. */
const written = ({ nonce, hotkey, uuid }: Used): string => `${nonce} ${hotkey} ${uuid}\n`;
