// The subnet's score, as one import: intervals, CRPS, path scores and the volatility rule.
// Promises: exact agreement with the validator's numpy code. Leaves rewards and ranking to others.
export { crpsEnsemble, fairCrps } from './crps.js';
export { parseInterval, type ScoringInterval } from './intervals.js';
export { type PathScore, type Paths, scorePaths } from './paths.js';
export { labelObservedBlocks, pairwiseSum } from './sum.js';
export { type VolatilityRule, type VolatilityScore, volatilityCrps } from './volatility.js';
