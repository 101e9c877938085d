// Canonical JSON: one text per value, so that a digest of it is an identity.
// Promises: keys sorted by UTF-16 code unit, no spaces, no undefined, no NaN or infinity, -0 written as 0.
// Leaves to others: schemas.
import { createHash } from 'node:crypto';
import { ForecastError } from './errors.js';

/** Canonical JSON text of a plain value. Keys whose value is undefined are left out. Throws SWARM_E_SPEC_INVALID. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value === 0 ? 0 : value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object') {
    const proto: unknown = Object.getPrototypeOf(value);
    if (proto === Object.prototype || proto === null) {
      const entries = Object.entries(value).filter(([, v]) => v !== undefined);
      entries.sort(([a], [b]) => (a < b ? -1 : 1));
      return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonicalJson(v)}`).join(',')}}`;
    }
  }
  throw new ForecastError(
    'SWARM_E_SPEC_INVALID',
    `a ${typeof value} (${String(value)}) has no canonical JSON`,
    'pass plain objects, arrays, strings, booleans and finite numbers',
  );
}

/** sha256 (hex) of text or bytes. */
export function sha256Hex(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
