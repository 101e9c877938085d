// The components as a searcher sees them.
// Promises: every choice and every knob's range is one that the schemas accept.
// Leaves to others: choosing, and the knobs of the volatility itself.
import type { Knob } from '../families/family.js';
import { ALWAYS_OPEN } from '../profile/home-week.js';

export const commonKnobs: Readonly<Record<string, Knob>> = {
  scale: { min: 0.6, max: 1.2 },
  nu: { min: 2.5, max: 200, log: true },
};

export const componentKnobs: Readonly<Record<string, Knob>> = {
  'innovation.nu': { min: 2.5, max: 200, log: true },
  'innovation.skew': { min: -0.5, max: 0.5 },
  'innovation.tail': { min: 0.8, max: 10, log: true },
  'innovation.components': { min: 2, max: 3, integer: true },
  'innovation.block': { min: 1, max: 288, log: true, integer: true },
  'innovation.jumps.per_day': { min: 0.1, max: 12, log: true },
  'innovation.jumps.size': { min: 3, max: 15, log: true },
  'dynamics.lags': { min: 1, max: 5, integer: true },
};

/** Drawn, placed, and placed with a correction. */
export const recalibrationChoices: readonly unknown[] = [
  undefined,
  { kind: 'identity' },
  { kind: 'interval' },
];

/** A Student-t innovation is chosen by leaving `innovation` out, which puts `nu` back. */
export const componentChoices: Readonly<Record<string, readonly unknown[]>> = {
  innovation: [
    undefined,
    { kind: 'gaussian' },
    { kind: 'johnson_su', skew: 'fit', tail: 'fit' },
    { kind: 'mixture', components: 2 },
    { kind: 'historical', block: 1 },
    { kind: 'historical', block: 12 },
    { kind: 'student_t', nu: 'fit', jumps: { per_day: 'fit', size: 'fit' } },
  ],
  profile: [undefined, ALWAYS_OPEN],
  dynamics: [undefined, { kind: 'bounce', lags: 2, coefficients: 'fit' }],
  recalibration: recalibrationChoices,
};
