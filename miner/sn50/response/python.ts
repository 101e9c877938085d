// Python's view of a parsed answer: its types and how it prints them, which is what the validator's rules are made of.
// Two readings: `text` keeps Python's int and float apart (bigint and number, from pythonJson); `memory` takes JS
// numbers as JSON.stringify would send them, so 5 and 5.0 are both the int 5.

export type Reading = 'text' | 'memory';

/** Python's repr of a float: shortest digits that read back, exponent below 1e-4 and from 1e16 on. */
function pyFloat(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  if (x === 0) return Object.is(x, -0) ? '-0.0' : '0.0';
  const size = Math.abs(x);
  if (size >= 1e-4 && size < 1e16) {
    const plain = String(x);
    return plain.includes('.') ? plain : `${plain}.0`;
  }
  return x.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}

/** JSON.stringify writes an integral number below 1e21 without a point: Python reads it as an int. */
const sentAsInt = (x: number) => Number.isInteger(x) && Math.abs(x) < 1e21;

/** Python's `isinstance(value, int)`; True and False are ints. */
export function isPyInt(value: unknown, reading: Reading): value is bigint | number | boolean {
  if (typeof value === 'number') return reading === 'memory' && sentAsInt(value);
  return typeof value === 'bigint' || typeof value === 'boolean';
}

/** Python's `str(value)` of a number or bool. */
export function pyStr(value: number | bigint | boolean, reading: Reading = 'memory'): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return String(value);
  // String(-0) is "0", as JSON.stringify sends it.
  return reading === 'memory' && sentAsInt(value) ? String(value) : pyFloat(value);
}

/** Python's `type(value)` as it prints: `<class 'float'>`. */
export function pyType(value: unknown, reading: Reading): string {
  return `<class '${pyTypeName(value, reading)}'>`;
}

function pyTypeName(value: unknown, reading: Reading): string {
  if (value === null || value === undefined) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'bigint' || typeof value === 'number')
    return isPyInt(value, reading) ? 'int' : 'float';
  return Array.isArray(value) ? 'list' : 'dict';
}
