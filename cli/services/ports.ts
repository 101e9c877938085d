// The ports of one home: four in a row from a base, so that one flag moves them all.
// Promises: a taken port is reported before a service is started, with the flag that changes it.
// Leaves to the services: binding (they listen on 127.0.0.1 only).
import { createServer } from 'node:net';
import { SwarmError } from '../../blackboard/errors.js';

export const DEFAULT_BASE_PORT = 15500;
const COUNT = 3;
export const highestBase = 65_535 - (COUNT - 1);

export interface Ports {
  readonly postgres: number;
  readonly nats: number;
  readonly miner: number;
}

/** @example portsFrom(15500) // { postgres: 15500, nats: 15501, miner: 15502 } */
export function portsFrom(base: number = DEFAULT_BASE_PORT): Ports {
  if (!Number.isInteger(base) || base < 1024 || base > highestBase) {
    throw new SwarmError(
      'SWARM_E_USAGE',
      `${base} cannot be a base port`,
      `Give a whole number from 1024 to ${highestBase} with --ports.`,
    );
  }
  return { postgres: base, nats: base + 1, miner: base + 2 };
}

/** Fails with SWARM_E_PORT_IN_USE when something listens on 127.0.0.1:port (or on all addresses). */
export async function assertPortFree(port: number, what: string, flag = '--ports'): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => {
      const taken = 'code' in error && error.code === 'EADDRINUSE';
      reject(
        new SwarmError(
          taken ? 'SWARM_E_PORT_IN_USE' : 'SWARM_E_SERVICE_START',
          taken
            ? `port ${port}, wanted for ${what}, is in use by another program`
            : `port ${port} cannot be opened for ${what}`,
          `Choose other ports with ${flag}, or find the program with \`ss -ltnp "sport = :${port}"\` and stop it.`,
          { cause: error },
        ),
      );
    });
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve()));
  });
}
