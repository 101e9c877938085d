// The subnet's reference miner as an artifact, on a grid of any step.
// Promises: nothing is fitted, so that asset, step and data set name the same bytes wherever they are made.
import { CODE_VERSION } from './code-version.js';
import { fitAndCompile, referenceSpec } from './families/index.js';
import { packArtifact } from './manifest.js';

/** Throws SWARM_E_SPEC_INVALID for an asset that the reference miner has no sigma for. */
export function referenceArtifact(asset: string, step_s: number, dataset_digest: string): Uint8Array {
  const { onnx, manifest } = fitAndCompile(
    referenceSpec(asset),
    { asset, step_s, segments: [], starts_s: [] },
    { data_cutoff_s: 0, dataset_digest, code_version: CODE_VERSION },
  );
  return packArtifact(onnx, manifest);
}
