// Fits kept by content: what makes two fits the same, what is forgotten, and files that were changed.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { trainingData } from '../../forecast/fit/training.js';
import { FitCache } from '../../forecast/fit-cache/cache.js';
import { fitDirectory } from '../../forecast/fit-cache/directory.js';
import { packArtifact } from '../../forecast/manifest.js';
import { DAY, ewma, gaussian, gbm, SIGMA } from './gaussian.js';

describe('the fit cache', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fits-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const bars = gaussian(3);
  const meta = { data_cutoff_s: DAY, dataset_digest: 'a'.repeat(64), code_version: 'one' };
  const packed = (
    fit: Parameters<typeof packArtifact> extends [infer O, infer M] ? { onnx: O; manifest: M } : never,
  ) => packArtifact(fit.onnx, fit.manifest);

  it('knows a fit by spec, bars and code, and gives it the provenance that is asked for', () => {
    const cache = new FitCache({ code: 'one' });
    const train = trainingData(bars, 2 * DAY, 1440);
    const first = cache.fit(ewma, train, meta);
    const other = { ...meta, data_cutoff_s: DAY + 60, code_version: 'two' };
    const second = cache.fit(ewma, train, other);
    expect([first.from, second.from]).toEqual(['fit', 'memory']);
    expect(second.manifest).toEqual({ ...first.manifest, ...other });
    expect(packed(cache.fit(ewma, train, meta))).toEqual(packed(first));
    expect(cache.fit(gbm(SIGMA), train, meta).from).toBe('fit');
    expect(cache.fit(ewma, trainingData(bars, 2 * DAY - 60, 1440), meta).from).toBe('fit');
    const moved = { ...train, starts_s: train.starts_s.map((s) => s + 60) };
    expect(cache.key(ewma, moved)).not.toBe(cache.key(ewma, train));
    const pooled = { ...train, peers: [{ ...train, asset: 'ETH' }] };
    expect(cache.key(ewma, pooled)).not.toBe(cache.key(ewma, train));
    expect(cache.key(ewma, { ...train, peers: [] })).toBe(cache.key(ewma, train));
    expect(new FitCache({ code: 'two' }).key(ewma, train)).not.toBe(cache.key(ewma, train));
  });

  it('forgets what was unused for longest', () => {
    const cache = new FitCache({ code: 'one', limit: 2 });
    const train = trainingData(bars, 2 * DAY, 1440);
    const from = (sigma: number): string => cache.fit(gbm(sigma), train, meta).from;
    expect([0.001, 0.002, 0.001, 0.003, 0.001, 0.002].map(from)).toEqual([
      'fit',
      'fit',
      'memory',
      'fit',
      'memory',
      'fit',
    ]);
  });

  it('outlasts the process, and discards a file that was changed', () => {
    const warnings: string[] = [];
    const open = () =>
      new FitCache({ code: 'one', store: fitDirectory(folder, (line) => warnings.push(line)) });
    const train = trainingData(bars, 2 * DAY, 1440);
    const first = open().fit(ewma, train, meta);
    const again = open().fit(ewma, train, meta);
    expect([first.from, again.from]).toEqual(['fit', 'directory']);
    expect(packed(again)).toEqual(packed(first));
    const [name] = readdirSync(folder);
    const bytes = readFileSync(join(folder, name));
    bytes[bytes.length - 9] ^= 1;
    writeFileSync(join(folder, name), bytes);
    expect(warnings).toEqual([]);
    const refitted = open().fit(ewma, train, meta);
    expect(refitted.from).toBe('fit');
    expect(packed(refitted)).toEqual(packed(first));
    expect(warnings).toEqual([expect.stringContaining('was discarded and is fitted again')]);
    expect(open().fit(ewma, train, meta).from).toBe('directory');
    for (const cut of [0, 30, 65, 100]) {
      writeFileSync(join(folder, name), bytes.subarray(0, cut));
      expect(open().fit(ewma, train, meta).from).toBe('fit');
    }
  });
});
