// The subnet's rewards, as one import: CRPS -> prompt scores -> smoothed scores -> weights -> emission, and thinning.
// Promises the dated rules of a profile, given as arguments. Leaves storage and the chain to others.
export { type Emission, type EmissionOptions, emission } from './emission.js';
export { type PromptScores, percentile, promptScores } from './prompt-scores.js';
export { type ScoreRow, type SmoothingOptions, smoothedScores } from './smoothed-scores.js';
export { saltedKey, type Thinning, type ThinRequest, thin } from './thin.js';
export { combine, competitionWeights, softmaxWeights } from './weights.js';
