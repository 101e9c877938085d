// A tape run natively, one path at a time.
// Promises: no allocation and no call per operation; operations in double precision as stated in operations.ts.
// Leaves to others: where shocks come from, and what the states mean.
import { OPERATIONS, type Operation } from './operations.js';
import type { Tape } from './tape.js';

export interface Machine {
  /** One per state: to be set before `open`, new after `close`. */
  readonly states: Float64Array;
  /** Updates before they were kept within their bounds, after `close`. */
  readonly raw: Float64Array;
  setParams(values: ArrayLike<number>): void;
  /** Back to the initial states. */
  reset(): void;
  /** Variance of the next return, by the states. */
  open(): number;
  /** The square root of that variance. */
  deviation(): number;
  /** Goes on to the states that follow the last return and its shock. Again without `open`: from the same states. */
  close(r: number, z: number): void;
}

const CODES = Object.fromEntries(OPERATIONS.map((op, i) => [op, i])) as Record<Operation, number>;
const WORDS = 5;

export function machine(tape: Tape): Machine {
  const { steps, initial, updates } = tape;
  // One place more, for what the tape does not read.
  const spare = steps.length;
  const m = new Float64Array(spare + 1);
  const find = (op: Operation, value = 0): number => {
    const i = steps.findIndex((s) => s.op === op && s.value === value);
    return i < 0 ? spare : i;
  };
  steps.forEach((s, i) => {
    if (s.op === 'const') m[i] = s.value;
  });
  const [onParams, onStates, onReturns] = [0, 1, 2].map((level) =>
    Int32Array.from(
      steps.flatMap((s, i) =>
        s.level === level && s.args.length > 0
          ? [CODES[s.op], i, ...[0, 1, 2].map((k) => s.args[k] ?? 0)]
          : [],
      ),
    ),
  );
  const params = Int32Array.from({ length: tape.params }, (_, i) => find('param', i));
  const places = Int32Array.from(initial, (_, i) => find('state', i));
  const next = Int32Array.from(updates, (u) => u.next);
  const raw = Int32Array.from(updates, (u) => u.raw);
  const { variance, deviation } = tape;
  const [r, z] = [find('r'), find('z')];
  const states = Float64Array.from(initial);
  const before = new Float64Array(raw.length);
  return {
    states,
    raw: before,
    setParams(values) {
      for (let i = 0; i < params.length; i++) m[params[i]] = values[i];
      run(onParams, m);
    },
    reset() {
      states.set(initial);
    },
    open() {
      for (let i = 0; i < places.length; i++) m[places[i]] = states[i];
      run(onStates, m);
      return m[variance];
    },
    deviation: () => m[deviation],
    close(lastReturn, shock) {
      m[r] = lastReturn;
      m[z] = shock;
      run(onReturns, m);
      for (let i = 0; i < next.length; i++) {
        states[i] = m[next[i]];
        before[i] = m[raw[i]];
      }
    },
  };
}

/** Codes are places in OPERATIONS: a switch over literals becomes a jump table. */
function run(code: Int32Array, m: Float64Array): void {
  for (let at = 0; at < code.length; at += WORDS) {
    const to = code[at + 1];
    const a = code[at + 2];
    const b = code[at + 3];
    const c = code[at + 4];
    switch (code[at]) {
      case 5: // neg
        m[to] = -m[a];
        break;
      case 6: // abs
        m[to] = Math.abs(m[a]);
        break;
      case 7: // sqrt
        m[to] = Math.sqrt(m[a]);
        break;
      case 8: // exp
        m[to] = Math.exp(m[a]);
        break;
      case 9: // log
        m[to] = Math.log(m[a]);
        break;
      case 10: // tanh
        m[to] = Math.tanh(m[a]);
        break;
      case 11: // sign
        m[to] = m[a] > 0 ? 1 : m[a] < 0 ? -1 : 0;
        break;
      case 12: // num
        m[to] = m[a];
        break;
      case 13: // not
        m[to] = 1 - m[a];
        break;
      case 14: // add
        m[to] = m[a] + m[b];
        break;
      case 15: // sub
        m[to] = m[a] - m[b];
        break;
      case 16: // mul
        m[to] = m[a] * m[b];
        break;
      case 17: // div
        m[to] = m[a] / m[b];
        break;
      case 18: // min
        m[to] = m[a] < m[b] ? m[a] : m[b];
        break;
      case 19: // max
        m[to] = m[a] > m[b] ? m[a] : m[b];
        break;
      case 20: // lt
        m[to] = m[a] < m[b] ? 1 : 0;
        break;
      case 21: // le
        m[to] = m[a] <= m[b] ? 1 : 0;
        break;
      case 22: // eq
        m[to] = m[a] === m[b] ? 1 : 0;
        break;
      case 23: // and
        m[to] = m[a] * m[b];
        break;
      case 24: // or
        m[to] = m[a] > m[b] ? m[a] : m[b];
        break;
      case 25: // clip
        m[to] = m[a] < m[b] ? m[b] : m[a] > m[c] ? m[c] : m[a];
        break;
      case 26: // select
        m[to] = m[a] !== 0 ? m[b] : m[c];
        break;
    }
  }
}
