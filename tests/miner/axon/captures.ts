// Requests and responses captured between the real Python client and server, where the shared test data is at hand.
// They are read from there and never copied: SWARM_TEST_DATA names the folder, ../shared beside the checkout otherwise.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = new URL('../../../', import.meta.url).pathname;
export const folder = join(process.env['SWARM_TEST_DATA'] ?? join(root, '..', 'shared'), 'sn50', 'fixtures');

export const captures = [
  'stock-dendrite-Simulation',
  'stock-dendrite-Synapse-ping',
  'synth-validator-Simulation',
];
export const hasCaptures = existsSync(join(folder, `${captures[0]}.request.http`));

export interface Capture {
  readonly line: string;
  /** In wire order, names as they were sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export function capture(name: string): Capture {
  const text = readFileSync(join(folder, `${name}.http`), 'utf8');
  const at = text.indexOf('\r\n\r\n');
  const [line = '', ...fields] = text.slice(0, at).split('\r\n');
  const headers = fields.map((field) => {
    const colon = field.indexOf(': ');
    return [field.slice(0, colon), field.slice(colon + 2)] as const;
  });
  return { line, headers, body: text.slice(at + 4) };
}

export const headerOf = ({ headers }: Capture, name: string): string =>
  headers.find(([one]) => one.toLowerCase() === name.toLowerCase())?.[1] ?? '';

// biome-ignore lint/suspicious/noExplicitAny: numbers of all shapes, each read by the test that knows it
export const vectors = (): any => JSON.parse(readFileSync(join(folder, 'vectors.json'), 'utf8'));
