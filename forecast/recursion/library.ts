// Recursions to start from: the usual ones, written in the language.
// Promises: each settles inside all of its bounds with symmetric shocks. Leaves to others: better ones.

/** The variance returns to 1; p is the persistence, s the share of it that the last return has, g the weight of falls. */
const GJR = `# GJR: variance reacts more to falls (g > 0) than to rises
param p = 0.985 in [0.5, 0.9999]
param s = 0.06 in [0.003, 0.6]
param g = 0.05 in [-0.95, 0.95]
state v = 1 in [1e-4, 1e4]
let news = r^2 * (1 + g * (2 * (r < 0) - 1))
v' = (1 - p) + p * (s * news + (1 - s) * v)
variance = v`;

const LOG_VARIANCE = `# EGARCH: log variance returns to m; shocks count by size and sign, not by square
param m = -0.1 in [-3, 2]
param b = 0.98 in [0.5, 0.9995]
param a = 0.12 in [0, 0.6]
param g = -0.02 in [-0.3, 0.3]
state l = 0 in [-8, 8]
l' = m + b * (l - m) + a * (min(abs(z), 8) - 0.75) + g * clip(z, -8, 8)
variance = exp(l)`;

const TWO_COMPONENTS = `# Two GARCH components, quick and slow, both moved by the same returns
param pq = 0.95 in [0.2, 0.997]
param ps = 0.998 in [0.98, 0.9999]
param sq = 0.15 in [0.01, 0.7]
param ss = 0.02 in [0.001, 0.2]
param share = 0.5 in [0.02, 0.98]
state q = 1 in [1e-4, 1e4]
state s = 1 in [1e-4, 1e4]
let news = r^2
q' = (1 - pq) + pq * (sq * news + (1 - sq) * q)
s' = (1 - ps) + ps * (ss * news + (1 - ss) * s)
variance = share * q + (1 - share) * s`;

const THREE_SPEEDS = `# HAR-like: averages of squares over about 6, 48 and 288 bars, pulled to the long-run level
param k1 = 0.16
param k2 = 0.021
param k3 = 0.0035
param p = 0.95 in [0.3, 0.9995]
param a = 0.4 in [0.01, 0.99]
param b = 0.5 in [0.01, 0.99]
state x = 1 in [1e-5, 1e5]
state y = 1 in [1e-5, 1e5]
state w = 1 in [1e-5, 1e5]
let news = r^2
x' = x + k1 * (news - x)
y' = y + k2 * (news - y)
w' = w + k3 * (news - w)
variance = (1 - p) + p * (a * x + (1 - a) * (b * y + (1 - b) * w))`;

const POWER = `# Asymmetric power GARCH: reacts to |r|^d, falls weigh more (g > 0); d = 1 is TGARCH
param p = 0.985 in [0.5, 0.9995]
param s = 0.08 in [0.003, 0.6]
param g = 0.1 in [-0.9, 0.9]
param d = 1.3 in [0.8, 2]
param m = 1 in [0.2, 5]
state u = 1 in [1e-4, 1e4]
let size = abs(r) - g * r
u' = (1 - p) + p * (s * size ^ d + (1 - s) * u)
variance = m * u ^ (2 / d)`;

const THRESHOLD = `# Threshold: shocks beyond two deviations count with a weight of their own
param p = 0.985 in [0.5, 0.9995]
param s = 0.07 in [0.003, 0.6]
param far = 0.6 in [0.05, 1]
state v = 1 in [1e-4, 1e4]
let ordinary = min(abs(z), 2)
let beyond = if(abs(z) > 2, abs(z) - 2, 0)
let news = v * (ordinary + far * beyond)^2
v' = (1 - p) + p * (s * news + (1 - s) * v)
variance = v`;

/** By name; the first one starts a search. */
export const PROGRAMS = {
  gjr: GJR,
  log_variance: LOG_VARIANCE,
  two_components: TWO_COMPONENTS,
  three_speeds: THREE_SPEEDS,
  power: POWER,
  threshold: THRESHOLD,
} as const;
