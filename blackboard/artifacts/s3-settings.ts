// The settings of an S3 store, read from SWARM_S3_* once, at the edge.
// Promises: a wrong, unknown or half-given setting is refused by name; credentials never travel unencrypted except to this
// machine itself. Leaves to others: whether the store accepts them.
import { readFileSync } from 'node:fs';
import { SwarmError } from '../errors.js';

export interface S3Settings {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Empty, or ends with a slash. */
  readonly prefix: string;
  readonly pathStyle: boolean;
  /** Whether requests carry checksums beyond those that the protocol asks for. Several stores refuse them. */
  readonly checksums: 'WHEN_REQUIRED' | 'WHEN_SUPPORTED';
  /** Whether uploads carry If-None-Match. Off for stores that answer it with NotImplemented. */
  readonly conditionalPut: boolean;
  readonly deadline_s: number;
  readonly cache_mb: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const PLAIN = [
  'SWARM_S3_ENDPOINT',
  'SWARM_S3_BUCKET',
  'SWARM_S3_REGION',
  'SWARM_S3_PREFIX',
  'SWARM_S3_PATH_STYLE',
  'SWARM_S3_CHECKSUMS',
  'SWARM_S3_CONDITIONAL_PUT',
  'SWARM_S3_DEADLINE_S',
  'SWARM_S3_CACHE_MB',
] as const;
/** Given as they are, or as `<name>_FILE`, a file that holds them. */
export const S3_SECRETS = ['SWARM_S3_ACCESS_KEY_ID', 'SWARM_S3_SECRET_ACCESS_KEY'] as const;
const KNOWN = new Set<string>([...PLAIN, ...S3_SECRETS.flatMap((name) => [name, `${name}_FILE`])]);

/** What is set of SWARM_S3_*; an empty value counts as not set. */
export function s3Environment(env: Environment): Record<string, string> {
  const given = Object.entries(env).filter(([name, value]) => name.startsWith('SWARM_S3_') && value);
  return Object.fromEntries(given) as Record<string, string>;
}

/** The settings, or null when nothing names an S3 store. SWARM_E_USAGE. */
export function s3Settings(environment: Environment): S3Settings | null {
  const env = s3Environment(environment);
  if (Object.keys(env).length === 0) return null;
  const stranger = Object.keys(env).find((name) => !KNOWN.has(name));
  if (stranger !== undefined) refuse(`there is no setting ${stranger}`);
  const endpoint = endpointOf(needed(env, 'SWARM_S3_ENDPOINT'));
  const pathStyle = truth(env, 'SWARM_S3_PATH_STYLE', true);
  // A name server may send bucket.localhost anywhere.
  if (!pathStyle && endpoint.startsWith('http:')) refuse('SWARM_S3_PATH_STYLE=false needs an https endpoint');
  return {
    endpoint,
    bucket: matching(env, 'SWARM_S3_BUCKET', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    region: matching(env, 'SWARM_S3_REGION', /^[a-z0-9-]{1,40}$/, 'us-east-1'),
    accessKeyId: secret(env, 'SWARM_S3_ACCESS_KEY_ID'),
    secretAccessKey: secret(env, 'SWARM_S3_SECRET_ACCESS_KEY'),
    prefix: prefixOf(env['SWARM_S3_PREFIX'] ?? ''),
    pathStyle,
    checksums: choice(env, 'SWARM_S3_CHECKSUMS', ['when_required', 'when_supported']).toUpperCase() as
      | 'WHEN_REQUIRED'
      | 'WHEN_SUPPORTED',
    conditionalPut: truth(env, 'SWARM_S3_CONDITIONAL_PUT', true),
    deadline_s: count(env, 'SWARM_S3_DEADLINE_S', 120, 1, 3600),
    cache_mb: count(env, 'SWARM_S3_CACHE_MB', 1024, 64, 1_048_576),
  };
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  // Not repeated: an address with a password in it is a secret.
  if (url === null || !/^https?:$/.test(url.protocol) || url.username + url.password + url.search + url.hash)
    return refuse('SWARM_S3_ENDPOINT is no address such as https://s3.eu-central-1.amazonaws.com');
  if (url.pathname !== '/') refuse('SWARM_S3_ENDPOINT has a path; a bucket goes into SWARM_S3_BUCKET');
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    refuse(
      `SWARM_S3_ENDPOINT would carry requests to ${url.hostname} unencrypted; only https leaves a machine`,
    );
  return url.origin;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

function prefixOf(text: string): string {
  const bare = text.replace(/\/$/, '');
  if (bare === '') return '';
  const parts = bare.split('/');
  if (bare.length > 200 || parts.some((part) => !/^[A-Za-z0-9._-]+$/.test(part) || /^\.+$/.test(part)))
    refuse('SWARM_S3_PREFIX is no path such as swarm/artifacts (letters, digits, dots, dashes, underscores)');
  return `${bare}/`;
}

function secret(env: Environment, name: (typeof S3_SECRETS)[number]): string {
  const file = env[`${name}_FILE`];
  if (file !== undefined && env[name] !== undefined) refuse(`${name} and ${name}_FILE are both set`);
  if (file === undefined) return clean(needed(env, name), name);
  try {
    return clean(readFileSync(file, 'utf8').trim(), `${name}_FILE`);
  } catch (error) {
    if (error instanceof SwarmError) throw error;
    return refuse(`${name}_FILE cannot be read: ${(error as Error).message}`);
  }
}

function clean(value: string, name: string): string {
  return /^[\x21-\x7e]+$/.test(value)
    ? value
    : refuse(`${name} is empty or holds blanks or control characters`);
}

function needed(env: Environment, name: string): string {
  return env[name] ?? refuse(`${name} is missing`);
}

function matching(env: Environment, name: string, pattern: RegExp, otherwise?: string): string {
  const value = env[name] ?? otherwise ?? needed(env, name);
  return pattern.test(value) ? value : refuse(`${name} cannot be ${JSON.stringify(value.slice(0, 80))}`);
}

function truth(env: Environment, name: string, otherwise: boolean): boolean {
  return env[name] === undefined ? otherwise : choice(env, name, ['true', 'false']) === 'true';
}

function choice(env: Environment, name: string, words: readonly [string, ...string[]]): string {
  const word = env[name] ?? words[0];
  return words.includes(word) ? word : refuse(`${name} is ${words.join(' or ')}`);
}

function count(env: Environment, name: string, otherwise: number, least: number, most: number): number {
  const text = env[name];
  const value = text === undefined ? otherwise : Number(text);
  return Number.isInteger(value) && value >= least && value <= most
    ? value
    : refuse(`${name} is a whole number from ${least} to ${most}`);
}

function refuse(what: string): never {
  throw new SwarmError(
    'SWARM_E_USAGE',
    what,
    'The settings of an S3 store are listed in docs/blackboard.md.',
  );
}
