// What leaves the machine or is kept for others to read: no key, no path, no host, no address, no login.
// Promises: the secrets it was given, and whatever has the form of one, are gone from every string.
// Leaves to others: deciding what to say.
import { homedir, hostname } from 'node:os';

// None eats a quote or a backslash: what is inside a JSON text stays inside its string.
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s/"'@\\]+@[^\s"'\\]+/gi, '[address]'],
  [/\b(?:postgres(?:ql)?|nats|tls|redis|s3):\/\/[^\s"'\\]+/gi, '[address]'],
  [/\b(?:sk|cpk|pk|ghp|gho|xox[a-z])[-_][A-Za-z0-9_.-]{12,}/g, '[key]'],
  [/\bAKIA[0-9A-Z]{16}\b/g, '[key]'],
  [/\bBearer\s+[A-Za-z0-9._~+/-]{8,}=*/gi, 'Bearer [key]'],
  [/-----BEGIN [A-Z ]+-----[^"']*?-----END [A-Z ]+-----/g, '[key]'],
  [
    /(?<![\w)\].])\/(?:home|root|var|tmp|usr|etc|opt|srv|mnt|work|data|Users|private|run|proc)\/[^\s"',;)\]}\\]+/g,
    '[path]',
  ],
  [/\b[A-Za-z]:\\+[^\s"'\\]+(?:\\+[^\s"'\\]+)*/g, '[path]'],
  [/\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b/g, '[host]'],
  [/\b[\w.+-]+@[\w-]+\.[\w.-]+\b/g, '[address]'],
];

export type Redact = (text: string) => string;

/** A redactor that also knows these values. */
export function redactor(secrets: readonly string[]): Redact {
  const known = [...secrets, homedir(), hostname()]
    .filter((value) => value.length >= 4 && value !== 'localhost')
    .sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const value of known) clean = clean.replaceAll(value, '[redacted]');
    for (const [form, instead] of FORMS) clean = clean.replace(form, instead);
    return clean;
  };
}

/** The same for every string of a JSON value, names of fields included. */
export function redactAll<T>(value: T, redact: Redact): T {
  if (typeof value === 'string') return redact(value) as T;
  if (Array.isArray(value)) return value.map((one) => redactAll(one, redact)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [redact(name), redactAll(one, redact)]),
  ) as T;
}
