// When the file of answers on their way is brought onto the disk itself.
import type * as Fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Unrecorded } from '../../miner/serving/unrecorded.js';

const sync = vi.hoisted(() => vi.fn());
vi.mock('node:fs', async (original) => ({ ...(await original<typeof Fs>()), fdatasync: sync }));

let folder: string;
let file: Unrecorded<number>;
const disk = (error: Error | null) => sync.mock.lastCall![1](error);

beforeEach(() => {
  vi.useFakeTimers();
  sync.mockReset();
  folder = mkdtempSync(join(tmpdir(), 'unrecorded-'));
  file = new Unrecorded(join(folder, 'answers'));
});
afterEach(() => {
  file.close();
  rmSync(folder, { recursive: true });
  vi.useRealTimers();
});

it('costs no sync where the database takes each answer at once', () => {
  for (let n = 0; n < 10; n++) {
    file.done(file.add(n));
    vi.advanceTimersByTime(1000);
  }
  expect(sync).not.toHaveBeenCalled();
});

it('is synced for all that wait at that moment, and again for those that came during the sync', () => {
  for (let n = 0; n < 10; n++) file.add(n);
  vi.advanceTimersByTime(1000);
  expect(sync).toHaveBeenCalledTimes(1);
  file.add(10);
  vi.advanceTimersByTime(1000);
  expect(sync).toHaveBeenCalledTimes(1);
  disk(null);
  vi.advanceTimersByTime(1000);
  expect(sync).toHaveBeenCalledTimes(2);
  disk(null);
  vi.advanceTimersByTime(1000);
  expect(sync).toHaveBeenCalledTimes(2);
});

it('keeps nothing more once the disk has failed: whoever asks waits for the row', () => {
  file.add(1);
  vi.advanceTimersByTime(1000);
  disk(new Error('EIO: i/o error, fdatasync'));
  expect(() => file.add(2)).toThrow('EIO');
});
