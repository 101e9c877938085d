import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accounts } from '../../../blackboard/events/access.js';
import { findNats, natsConfig } from '../../../cli/services/nats-server.js';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'swarm-nats-'));
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

function program(directory: string, body: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'nats-server'), `#!/bin/sh\n${body}\n`);
  chmodSync(join(directory, 'nats-server'), 0o755);
}

describe('findNats', () => {
  it('passes by what is too old, what does not run and what is no program', async () => {
    program(join(base, 'old'), 'echo "nats-server: v2.8.4"');
    program(join(base, 'broken'), 'exit 126');
    mkdirSync(join(base, 'none'));
    program(join(base, 'good'), 'echo "nats-server: v2.12.1"');
    const found = await findNats(['old', 'broken', 'none', 'good'].map((name) => join(base, name)));
    expect(found).toEqual({ path: join(base, 'good', 'nats-server'), version: '2.12.1' });
  });
});

describe('the configuration of nats-server', () => {
  const spec = { directory: '/h/nats', port: 15_501, login: { user: 'swarm', password: '12ab' } };

  it('syncs always where the server knows it, and only there', () => {
    expect(natsConfig(spec, '2.9.10')).not.toContain('sync_interval');
    expect(natsConfig(spec, '2.10.0')).toContain('sync_interval: always');
    expect(natsConfig(spec, '3.0.0')).toContain('sync_interval: always');
  });

  it('listens locally and quotes the secret', () => {
    expect(natsConfig(spec, '2.9.10')).toContain('listen: "127.0.0.1:15501"');
    expect(natsConfig(spec, '2.9.10')).not.toContain('12ab');
    expect(accounts(spec.login, [])).toContain('password: "12ab"');
  });
});

describe('install.sh', () => {
  it('does not use a release whose checksum is another, and leaves nothing behind', () => {
    const release = join(base, 'mirror', 'v2.11.8');
    mkdirSync(release, { recursive: true });
    for (const target of ['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64']) {
      writeFileSync(join(release, `nats-server-v2.11.8-${target}.tar.gz`), 'not the release');
    }
    const { PATH = '' } = process.env;
    const env = {
      PATH,
      TMPDIR: base,
      SWARM_NATS_INSTALL: 'release',
      SWARM_NATS_MIRROR: `file://${base}/mirror`,
    };
    const install = (): Buffer =>
      execFileSync('sh', ['deploy/nats/install.sh', join(base, 'bin')], { env, stdio: 'pipe' });
    expect(install).toThrowError(/has sha256 [0-9a-f]{64} and should have [0-9a-f]{64}/);
    expect(existsSync(join(base, 'bin'))).toBe(false);
    expect(readdirSync(base)).toEqual(['mirror']);
  });
});
