// Ports for tests that start servers: next to each other, and free at the time of asking.
// Promises: below the range from which the system draws ports for outgoing connections, so that none of those
// takes one in between.
import { assertPortFree } from '../cli/services/ports.js';

/** `count` free ports in a row. */
export async function freePorts(count: number): Promise<number[]> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const base = 16_000 + Math.floor(Math.random() * 15_000);
    const ports = Array.from({ length: count }, (_, index) => base + index);
    const results = await Promise.allSettled(ports.map((port) => assertPortFree(port, 'a test')));
    if (results.every(({ status }) => status === 'fulfilled')) return ports;
  }
  throw new Error(`no ${count} free ports in a row after 50 attempts`);
}
