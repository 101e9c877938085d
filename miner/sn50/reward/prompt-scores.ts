// From the CRPS of every miner on one prompt to their prompt scores (reward.py, compute_prompt_scores).
// Promises 0 for the best answer and more for worse ones, in the units of CRPS (bps summed over the score's terms).
// Leaves time and assets to smoothed-scores.
import type { PromptScoreRule } from '../profile.js';

/** The CRPS of a missing, invalid or unscorable answer. */
const invalidCrps = -1;

export interface PromptScores {
  /** One per miner, in the order given; lower is better. */
  readonly scores: readonly number[];
  /** CRPS that stands in for invalid answers: the p90 or p95 of the valid ones. */
  readonly fill: number;
  /** The best CRPS, which every score is measured from. */
  readonly lowest: number;
}

/**
 * Scores one prompt. `crps`: one per miner, -1 (or anything not finite) when invalid. Null when nobody answered
 * validly: the subnet drops such a prompt.
 * 'p90': CRPS above the 90th percentile is cut to it. 'cap10xmedian_p95': cut at ten times the median, and the 95th
 * percentile of the uncut ones fills the invalid.
 */
export function promptScores(crps: readonly number[], rule: PromptScoreRule): PromptScores | null {
  const isValid = (value: number) => Number.isFinite(value) && value !== invalidCrps;
  const valid = crps.filter(isValid);
  if (valid.length === 0) return null;
  const { cap, fill } = rule === 'p90' ? p90(valid) : cap10xMedian(valid);
  const filled = crps.map((value) => (isValid(value) ? Math.min(value, cap) : fill));
  const lowest = filled.reduce((least, value) => Math.min(least, value));
  return { scores: filled.map((value) => value - lowest), fill, lowest };
}

function p90(valid: readonly number[]) {
  const cap = percentile(valid, 90);
  return { cap, fill: cap };
}

function cap10xMedian(valid: readonly number[]) {
  const median = percentile(valid, 50);
  // A field with a zero median is left alone: a cap of 0 would erase every difference.
  const cap = median > 0 ? 10 * median : Number.POSITIVE_INFINITY;
  return {
    cap,
    fill: percentile(
      valid.filter((value) => value <= cap),
      95,
    ),
  };
}

/** numpy.percentile with its default linear interpolation, to the last bit. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = Float64Array.from(values).sort();
  const position = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below];
  const high = sorted[Math.min(below + 1, sorted.length - 1)];
  const t = position - below;
  // numpy's _lerp works from the nearer end.
  return t >= 0.5 ? high - (high - low) * (1 - t) : low + (high - low) * t;
}
