// Prompts that wait for their horizon, kept on disk beside their answers: a validator that dies scores them when it is back.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const pendingSchema = z.strictObject({
  id: z.uuid(),
  sequence: z.int(),
  slot: z.string(),
  competition: z.string(),
  asset: z.string(),
  start_s: z.int(),
  length_s: z.int(),
  increment_s: z.int(),
  simulations: z.int(),
  validation: z.string(),
});

/** One prompt that was sent and judged, not scored yet. `sequence` orders prompts as they were sent. */
export type Pending = z.infer<typeof pendingSchema>;

export class PendingPrompts {
  readonly #waiting = new Map<string, Pending>();

  constructor(readonly directory: string) {}

  /** Where a prompt's answer is kept (float64 prices, [simulations x points]). */
  answerFile = (id: string): string => join(this.directory, `${id}.prices`);
  #noteFile = (id: string): string => join(this.directory, `${id}.json`);

  async load(): Promise<void> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const names = await readdir(this.directory);
    for (const name of names) {
      if (!name.endsWith('.json')) continue;
      const one = pendingSchema.parse(JSON.parse(await readFile(join(this.directory, name), 'utf8')));
      this.#waiting.set(one.id, one);
    }
    // Left by a process that died between an answer and its note.
    for (const name of names)
      if (!this.#waiting.has(name.split('.')[0]!)) await rm(join(this.directory, name), { force: true });
  }

  async add(one: Pending): Promise<void> {
    const draft = `${this.#noteFile(one.id)}.part`;
    await writeFile(draft, JSON.stringify(one));
    await rename(draft, this.#noteFile(one.id));
    this.#waiting.set(one.id, one);
  }

  /** Prompts whose real prices should be known, oldest first. */
  due(now_s: number, delay_s: number): Pending[] {
    return [...this.#waiting.values()]
      .filter((p) => p.start_s + p.length_s + delay_s <= now_s)
      .sort((a, b) => a.start_s - b.start_s || a.sequence - b.sequence);
  }

  all(): Pending[] {
    return [...this.#waiting.values()];
  }

  hasAnswer(id: string): boolean {
    return existsSync(this.answerFile(id));
  }

  async remove(id: string): Promise<void> {
    await rm(this.#noteFile(id), { force: true });
    await rm(this.answerFile(id), { force: true });
    this.#waiting.delete(id);
  }
}
