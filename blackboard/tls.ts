// TLS to Postgres and NATS: off this machine a connection is encrypted and the server's certificate is verified, name and all, or
// there is no connection. On loopback it is plain unless the address asks.
// Which authority counts: `sslrootcert` of a Postgres address, else SWARM_TLS_CA, else those that Node knows.
import { readFileSync } from 'node:fs';
import { SwarmError } from './errors.js';

/** What pg is given beside its address: nothing of TLS is left in that, where it would take precedence. */
export interface PostgresAddress {
  readonly connectionString: string;
  readonly ssl: false | { readonly ca?: string; readonly rejectUnauthorized: true };
}

/** Undefined: a plain connection. */
export interface NatsTls {
  readonly ca?: string;
  /** For an address without a name: the certificate must have it. */
  readonly host: string;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

/** Modes of libpq that encrypt without finding out to whom. */
const BLIND = new Set(['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca']);
const OWN = [
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'ssl',
  'sslnegotiation',
  'uselibpqcompat',
  'gssencmode',
];

/** SWARM_E_TLS for an address that would not be verified. */
export function postgresAddress(address: string): PostgresAddress {
  const url = new URL(address);
  const { searchParams } = url;
  const mode = searchParams.get('sslmode');
  const authority = searchParams.get('sslrootcert');
  if (searchParams.has('host') || searchParams.has('hostaddr'))
    throw refused('the address of Postgres names its host twice', 'Write the host once, before the port.');
  if (searchParams.has('sslcert') || searchParams.has('sslkey'))
    throw refused(
      'client certificates are not used here',
      'Leave sslcert and sslkey out: logins have passwords.',
    );
  const local = isLoopback(url.hostname);
  if (!local && ((mode !== null && BLIND.has(mode)) || (searchParams.get('ssl') ?? 'true') !== 'true'))
    throw refused(
      `sslmode=${mode ?? 'disable'} does not verify who ${url.hostname} is`,
      'Off this machine use sslmode=verify-full, or leave it out.',
    );
  if (mode !== null && mode !== 'verify-full' && !BLIND.has(mode))
    throw refused(`"${mode}" is no sslmode`, 'Use verify-full, or leave it out.');
  for (const name of OWN) searchParams.delete(name);
  const isTls = local ? mode !== null && !['disable', 'allow', 'prefer'].includes(mode) : true;
  return {
    connectionString: url.toString(),
    ssl: isTls ? { ...authorityOf(authority), rejectUnauthorized: true } : false,
  };
}

/** How to reach NATS at an address; `tls://` asks for TLS on loopback too. */
export function natsTls(address: URL): NatsTls | undefined {
  if (isLoopback(address.hostname) && address.protocol !== 'tls:') return undefined;
  return { ...authorityOf(null), host: address.hostname.replace(/^\[|\]$/g, '') };
}

/** An empty host is the local socket of Postgres. */
const isLoopback = (host: string): boolean => host === '' || LOOPBACK.test(host);

function authorityOf(path: string | null): { ca?: string } {
  const file = path ?? process.env['SWARM_TLS_CA'] ?? null;
  if (file === null || file === 'system') return {};
  let ca: string;
  try {
    ca = readFileSync(file, 'utf8');
  } catch (error) {
    throw refused(
      `the certificate authority ${file} cannot be read: ${error instanceof Error ? error.message : error}`,
      'Name the file of the authority by SWARM_TLS_CA or sslrootcert; `swarm certs` makes one.',
      error,
    );
  }
  if (!ca.includes('-----BEGIN CERTIFICATE-----'))
    throw refused(`${file} holds no certificate`, 'Name the PEM file of the authority, such as ca.crt.');
  return { ca };
}

const CERTIFICATE =
  /^(ERR_TLS_|CERT_|DEPTH_ZERO_|UNABLE_TO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|ERR_SSL_|SERVER_OPT_NA)/;

/** The SwarmError behind a failure of TLS, or null when it was something else. */
export function tlsFailure(error: unknown): SwarmError | null {
  for (
    let e = error as
      | { code?: unknown; message?: unknown; cause?: unknown; chainedError?: unknown }
      | undefined;
    e;
  ) {
    const code = typeof e.code === 'string' ? e.code : '';
    const message = String(e.message ?? '');
    if (
      CERTIFICATE.test(code) ||
      CERTIFICATE.test(message) ||
      /does not support SSL connections|self.signed certificate|certificate has expired|unable to verify/.test(
        message,
      )
    )
      return refused(
        `the server could not be verified: ${message || code}`,
        'Check the authority (SWARM_TLS_CA, sslrootcert), the names and the dates of the server’s certificate; `swarm certs` reissues it.',
        error,
      );
    e = (e.cause ?? e.chainedError) as typeof e;
  }
  return null;
}

function refused(message: string, hint: string, cause?: unknown): SwarmError {
  return new SwarmError('SWARM_E_TLS', message, hint, { cause });
}
