// Fits by content: the same spec, bars and code are fitted once.
// Promises: what comes from the cache is what a fresh fit would give; only provenance (cut-off, dataset) is the caller's.
// Leaves to others: where fits are kept between runs (directory.ts), and when a fit is wanted.
import { createHash } from 'node:crypto';
import { canonicalJson, sha256Hex } from '../canonical.js';
import { type FitMeta, fitAndCompile, type Spec, type TrainingData } from '../families/index.js';
import { type Manifest, packArtifact, unpackArtifact } from '../manifest.js';

/** Fits that outlast the process, as packed artifacts by key. */
export interface FitStore {
  /** Undefined when there is none, or none that is whole. */
  read(key: string): Uint8Array | undefined;
  write(key: string, packed: Uint8Array): void;
  /** The bytes under this key are no artifact: forget them, and say so. */
  discard(key: string, why: string): void;
}

export interface CachedFit {
  readonly onnx: Uint8Array;
  readonly manifest: Manifest;
  readonly from: 'memory' | 'directory' | 'fit';
}

export interface FitCacheOptions {
  /** Identity of the code that fits: another one never reads this one's fits. */
  readonly code: string;
  /** Fits kept in memory; the one unused for longest goes first. */
  readonly limit?: number;
  readonly store?: FitStore;
}

/** sha256 (hex) of the bars that a fit sees, and of nothing else. */
export function trainingDigest(train: TrainingData): string {
  const hash = createHash('sha256').update(`training/1\0${train.asset}\0${train.step_s}\0`);
  for (const [i, run] of train.segments.entries()) {
    hash.update(`${train.starts_s[i]} ${run.length}\0`);
    hash.update(new Uint8Array(run.buffer, run.byteOffset, run.byteLength));
  }
  for (const peer of train.peers ?? []) hash.update(`peer ${trainingDigest(peer)}\0`);
  return hash.digest('hex');
}

export class FitCache {
  readonly #kept = new Map<string, { onnx: Uint8Array; manifest: Manifest }>();

  constructor(readonly options: FitCacheOptions) {}

  key(spec: Spec, train: TrainingData): string {
    const { code } = this.options;
    return sha256Hex(canonicalJson({ spec, code, training: trainingDigest(train), step_s: train.step_s }));
  }

  /** As fitAndCompile, which it calls when nothing is kept. A fit that fails is not kept. */
  fit(spec: Spec, train: TrainingData, meta: FitMeta): CachedFit {
    const key = this.key(spec, train);
    const known = this.#kept.get(key);
    if (known !== undefined) {
      this.#keep(key, known);
      return { ...withMeta(known, meta), from: 'memory' };
    }
    const stored = this.#stored(key, spec);
    if (stored !== undefined) {
      this.#keep(key, stored);
      return { ...withMeta(stored, meta), from: 'directory' };
    }
    const made = fitAndCompile(spec, train, meta);
    this.#keep(key, made);
    this.options.store?.write(key, packArtifact(made.onnx, made.manifest));
    return { ...made, from: 'fit' };
  }

  #stored(key: string, spec: Spec): { onnx: Uint8Array; manifest: Manifest } | undefined {
    const { store } = this.options;
    const packed = store?.read(key);
    if (store === undefined || packed === undefined) return undefined;
    try {
      const fit = unpackArtifact(packed);
      if (canonicalJson(fit.manifest.spec) === canonicalJson(spec)) return fit;
      store.discard(key, 'it was fitted to another spec');
    } catch (error) {
      store.discard(key, (error as Error).message);
    }
    return undefined;
  }

  #keep(key: string, fit: { onnx: Uint8Array; manifest: Manifest }): void {
    this.#kept.delete(key);
    this.#kept.set(key, fit);
    if (this.#kept.size > (this.options.limit ?? 64)) this.#kept.delete(this.#kept.keys().next().value!);
  }
}

function withMeta(fit: { onnx: Uint8Array; manifest: Manifest }, meta: FitMeta) {
  return { onnx: fit.onnx, manifest: { ...fit.manifest, ...meta } };
}
