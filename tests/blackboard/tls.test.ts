// Which addresses are reached how, decided before anything is sent.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { natsTls, postgresAddress } from '../../blackboard/tls.js';

const REFUSED = expect.objectContaining({ code: 'SWARM_E_TLS' });
const far = (query = ''): string => `postgres://u:p@db.example:5432/swarm${query}`;

describe('the address of Postgres', () => {
  it.each(['', '?sslmode=verify-full', '?application_name=x'])(
    'off this machine is verified: "%s"',
    (query) => {
      const { ssl, connectionString } = postgresAddress(far(query));
      expect(ssl).toEqual({ rejectUnauthorized: true });
      expect(connectionString).not.toContain('ssl');
    },
  );

  it.each(['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca', 'anything'])(
    'off this machine is refused with sslmode=%s',
    (mode) => expect(() => postgresAddress(far(`?sslmode=${mode}`))).toThrowError(REFUSED),
  );

  it.each(['?ssl=false', '?ssl=no-verify', '?ssl=0', '?host=localhost', '?hostaddr=127.0.0.1', '?sslcert=c'])(
    'is refused where it says so in another way: %s',
    (query) => expect(() => postgresAddress(far(query))).toThrowError(REFUSED),
  );

  it.each(['127.0.0.1.example.org', 'localhost.example.org', '0.0.0.0', '128.0.0.1', '[::2]', '10.0.0.1'])(
    'is not taken for this machine: %s',
    (host) =>
      expect(postgresAddress(`postgres://u:p@${host}:5432/d`).ssl).toEqual({ rejectUnauthorized: true }),
  );

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', '[::1]'])(
    'on this machine is plain unless it asks: %s',
    (host) => {
      expect(postgresAddress(`postgres://u:p@${host}:5432/d`).ssl).toBe(false);
      expect(postgresAddress(`postgres://u:p@${host}:5432/d?sslmode=verify-full`).ssl).toEqual({
        rejectUnauthorized: true,
      });
      expect(postgresAddress(`postgres://u:p@${host}:5432/d?sslmode=require`).ssl).toEqual({
        rejectUnauthorized: true,
      });
    },
  );

  it('names an authority that can be read and holds a certificate, or is refused', () => {
    const directory = mkdtempSync(join(tmpdir(), 'swarm-tls-'));
    const file = join(directory, 'ca.crt');
    expect(() => postgresAddress(far(`?sslrootcert=${file}`))).toThrowError(REFUSED);
    writeFileSync(file, 'not a certificate');
    expect(() => postgresAddress(far(`?sslrootcert=${file}`))).toThrowError(REFUSED);
    writeFileSync(file, '-----BEGIN CERTIFICATE-----');
    expect(postgresAddress(far(`?sslrootcert=${file}`)).ssl).toMatchObject({ ca: expect.any(String) });
  });
});

describe('the address of NATS', () => {
  it('is plain on this machine alone', () => {
    expect(natsTls(new URL('nats://127.0.0.1:4222'))).toBeUndefined();
    expect(natsTls(new URL('tls://localhost:4222'))).toEqual({ host: 'localhost' });
    expect(natsTls(new URL('nats://nats.example:4222'))).toEqual({ host: 'nats.example' });
    expect(natsTls(new URL('nats://[2001:db8::1]:4222'))).toEqual({ host: '2001:db8::1' });
  });
});
