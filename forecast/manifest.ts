// An artifact: one model and everything needed to believe it, as one file whose sha256 is its identity.
// Promises: packing is deterministic and unpacking accepts exactly what packing makes.
// Leaves to others: storage, signatures, and inspecting the ONNX part.
// Layout: "SWARMFC1", u32 little-endian manifest length, manifest as canonical JSON (UTF-8), ONNX bytes.
import { z } from 'zod';
import { canonicalJson, sha256Hex } from './canonical.js';
import { ForecastError } from './errors.js';
import { specDigest, specSchema } from './families/spec.js';
import { MAX_HISTORY_BARS } from './onnx/contract.js';
import { MAX_MODEL_BYTES } from './onnx/inspect.js';
import { samplingSchema } from './sampler/plan.js';

export const FORMAT_VERSION = 1;
const digest = z.string().regex(/^[0-9a-f]{64}$/);

export const manifestSchema = z.strictObject({
  v: z.literal(FORMAT_VERSION),
  family: z.string().min(1),
  spec: specSchema,
  spec_digest: digest,
  params: z.record(z.string(), z.union([z.number(), z.array(z.number())])),
  history_bars: z.number().int().min(2).max(MAX_HISTORY_BARS),
  /** Bars may be missing from its history (NaN). Absent: every one must be there. */
  history_gaps: z.literal(true).optional(),
  /** Of them, at least so many must be there. */
  history_observed: z.number().int().min(2).max(MAX_HISTORY_BARS).optional(),
  /** How its paths are made: placed as stated here. Absent: drawn. */
  sampling: samplingSchema.optional(),
  step_s: z.number().int().positive(),
  asset: z.string().min(1),
  /** Unix seconds: no bar that closed later was used. */
  data_cutoff_s: z.number().int().nonnegative(),
  dataset_digest: digest,
  code_version: z.string().min(1),
});
export type Manifest = z.infer<typeof manifestSchema>;

const MAGIC = new TextEncoder().encode('SWARMFC1');
const HEAD = MAGIC.length + 4;
const MAX_MANIFEST_BYTES = 65_536;

/** One file from a model and its manifest. Throws SWARM_E_MODEL_REFUSED for a manifest that contradicts itself. */
export function packArtifact(onnx: Uint8Array, manifest: Manifest): Uint8Array {
  const json = new TextEncoder().encode(canonicalJson(checked(manifest)));
  const out = new Uint8Array(HEAD + json.length + onnx.length);
  out.set(MAGIC);
  new DataView(out.buffer).setUint32(MAGIC.length, json.length, true);
  out.set(json, HEAD);
  out.set(onnx, HEAD + json.length);
  return out;
}

/** Takes an artifact apart. Throws SWARM_E_MODEL_REFUSED for anything packArtifact would not have written. */
export function unpackArtifact(bytes: Uint8Array): { onnx: Uint8Array; manifest: Manifest } {
  if (bytes.length < HEAD || !MAGIC.every((b, i) => bytes[i] === b))
    refuse('it does not begin with SWARMFC1');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  if (length > MAX_MANIFEST_BYTES || HEAD + length >= bytes.length)
    refuse(`a manifest of ${length} bytes does not fit`);
  if (bytes.length - HEAD - length > MAX_MODEL_BYTES)
    refuse(`its model is larger than ${MAX_MODEL_BYTES} bytes`);
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      bytes.subarray(HEAD, HEAD + length),
    );
    value = JSON.parse(text);
  } catch (cause) {
    return refuse('its manifest is not JSON', cause);
  }
  const manifest = checked(value);
  if (canonicalJson(manifest) !== text) refuse('its manifest is not in canonical form');
  return { onnx: bytes.slice(HEAD + length), manifest };
}

/** The identity of an artifact: sha256 (hex) of its packed bytes. */
export function artifactDigest(packed: Uint8Array): string {
  return sha256Hex(packed);
}

function checked(value: unknown): Manifest {
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) return refuse(`its manifest is malformed: ${parsed.error.message}`, parsed.error);
  const manifest = parsed.data;
  if (manifest.family !== manifest.spec.family)
    refuse(`family ${manifest.family} with a spec of ${manifest.spec.family}`);
  if (manifest.spec_digest !== specDigest(manifest.spec))
    refuse('its spec does not have the digest it states');
  return manifest;
}

function refuse(why: string, cause?: unknown): never {
  const hint = 'fetch it again from its publisher, or discard it';
  throw new ForecastError('SWARM_E_MODEL_REFUSED', `artifact refused: ${why}`, hint, { cause });
}
