// A small private certificate authority for a fleet: one CA, and a server certificate each for Postgres and NATS.
// Promises: an authority that is there is used and never replaced; keys are files of mode 0600; a certificate and its key change
// together, so that running it again with other names or after a year reissues them. ECDSA P-256.
import { webcrypto } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { SwarmError } from '../../blackboard/errors.js';

const KEYS = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
const SERVICES = ['postgres', 'nats'] as const;

type Key = webcrypto.CryptoKey;

x509.cryptoProvider.set(webcrypto);

export interface Issue {
  readonly out: string;
  /** DNS names and IP addresses of the servers. */
  readonly hosts: readonly string[];
  readonly days: number;
  readonly now: Date;
}

/** Writes ca.crt, ca.key, postgres.{crt,key} and nats.{crt,key}; true when the authority is new. */
export async function issue({ out, hosts, days, now }: Issue): Promise<boolean> {
  for (const host of hosts) assertHost(host);
  mkdirSync(out, { recursive: true, mode: 0o700 });
  const known = existsSync(join(out, 'ca.crt')) || existsSync(join(out, 'ca.key'));
  if (!known) await found(out, now);
  const authority = await openAuthority(out);
  for (const service of SERVICES) {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=synth-swarm ${service}`,
      issuer: authority.certificate.subject,
      notBefore: new Date(now.getTime() - DAY_MS),
      notAfter: new Date(now.getTime() + days * DAY_MS),
      signingAlgorithm: KEYS,
      publicKey: keys.publicKey,
      signingKey: authority.key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        // Servers of a NATS cluster are each other's clients.
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          ...(service === 'nats' ? [x509.ExtendedKeyUsage.clientAuth] : []),
        ]),
        new x509.SubjectAlternativeNameExtension(
          hosts.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
        ),
        await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
      ],
    });
    await write(out, service, certificate, keys.privateKey);
  }
  return !known;
}

async function found(out: string, now: Date): Promise<void> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'CN=synth-swarm private authority',
    notBefore: new Date(now.getTime() - DAY_MS),
    notAfter: new Date(now.getTime() + CA_DAYS * DAY_MS),
    signingAlgorithm: KEYS,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await write(out, 'ca', certificate, keys.privateKey);
}

async function openAuthority(out: string): Promise<{ certificate: x509.X509Certificate; key: Key }> {
  const [certificatePath, keyPath] = [join(out, 'ca.crt'), join(out, 'ca.key')];
  try {
    if ((statSync(keyPath).mode & 0o077) !== 0) throw new Error(`others may read ${keyPath}`);
    const certificate = new x509.X509Certificate(readFileSync(certificatePath, 'utf8'));
    const der = x509.PemConverter.decodeFirst(readFileSync(keyPath, 'utf8'));
    return { certificate, key: await webcrypto.subtle.importKey('pkcs8', der, KEYS, false, ['sign']) };
  } catch (error) {
    throw new SwarmError(
      'SWARM_E_TLS',
      `the authority in ${out} cannot be used: ${error instanceof Error ? error.message : error}`,
      'It is never replaced: restore ca.crt and ca.key (mode 0600), or name an empty directory for a new one, which every machine must then be given.',
      { cause: error },
    );
  }
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(KEYS, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;

/** Positive, as RFC 5280 wants it, and drawn at random. */
const serial = (): string =>
  `01${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex')}`;

async function write(out: string, name: string, certificate: x509.X509Certificate, key: Key): Promise<void> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  const files = [
    [`${name}.key`, x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'), 0o600],
    [`${name}.crt`, certificate.toString('pem'), 0o644],
  ] as const;
  for (const [file, content, mode] of files) {
    const draft = join(out, `${file}.part`);
    rmSync(draft, { force: true });
    writeFileSync(draft, `${content}\n`, { mode, flag: 'wx', flush: true });
  }
  for (const [file] of files) renameSync(join(out, `${file}.part`), join(out, file));
}

function assertHost(host: string): void {
  if (
    isIP(host) === 0 &&
    !/^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(host)
  )
    throw new SwarmError(
      'SWARM_E_USAGE',
      `"${host}" is neither a host name nor an IP address`,
      'Name hosts as the addresses of Postgres and NATS will name them.',
    );
}
