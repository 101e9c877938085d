import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { assertPortFree, portsFrom } from '../../../cli/services/ports.js';

describe('ports', () => {
  it('are three in a row from the base', () => {
    expect(portsFrom()).toEqual({ postgres: 15_500, nats: 15_501, miner: 15_502 });
    expect(portsFrom(20_000).miner).toBe(20_002);
  });

  it.each([80, 65_534, 1.5, Number.NaN])('refuse %s as a base', (base) => {
    expect(() => portsFrom(base)).toThrowError(expect.objectContaining({ code: 'SWARM_E_USAGE' }));
  });

  it.each(['127.0.0.1', '0.0.0.0'])(
    'in use on %s are reported with service, number and flag',
    async (host) => {
      const other = createServer().listen(0, host);
      await once(other, 'listening');
      const address = other.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      await expect(assertPortFree(port, 'Postgres')).rejects.toMatchObject({
        code: 'SWARM_E_PORT_IN_USE',
        message: expect.stringMatching(new RegExp(`${port}.*Postgres`)),
        hint: expect.stringContaining('--ports'),
      });
      other.close();
      await once(other, 'close');
      await assertPortFree(port, 'Postgres');
    },
  );
});
