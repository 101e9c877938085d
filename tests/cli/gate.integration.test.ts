// `swarm gate`: what the gate's views say, in rows and as a picture.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SlotGate } from '../../cli/trust/gate.js';
import { type Ground, openGround } from '../trust/ground.js';
import { digest, History, SLOT } from '../trust/history.js';
import { type Ran, swarm } from './run.js';

let ground: Ground;
const directory = mkdtempSync(join(tmpdir(), 'swarm-gate-'));
beforeAll(async () => {
  ground = await openGround('gate command');
  const h = new History();
  const publisher = h.agent('publisher-owner', 'publisher');
  h.promotion(publisher);
  h.challenger(
    publisher,
    Array.from({ length: 70 }, (_, i) => (i % 3 === 0 ? -0.1 : 0.3)),
    { k: 1 },
  );
  h.challenger(
    publisher,
    Array.from({ length: 20 }, () => -0.2),
    { k: 2, alpha: 0.01 },
  );
  h.challenger(publisher, [], { k: 3, alpha: 0.005 });
  await h.write(ground.admin);
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await ground.close();
});

const run = (...args: string[]): Promise<Ran> => swarm(ground.url, 'gate', ...args);

describe('swarm gate', () => {
  it('gives the evidence after every window as the view has it', async () => {
    const [gate] = JSON.parse((await run(SLOT, '--json')).out) as SlotGate[];
    expect(gate!.reigns).toMatchObject([{ reign: 0, kind: 'found', artifact: digest('champion') }]);
    expect(gate!.challengers.map((c) => [c.k, c.e.length, c.stage])).toEqual([
      [1, 70, 'passed'],
      [2, 20, 'shadow'],
      [3, 0, 'shadow'],
    ]);
    const [last] = await ground.rows<{ e_value: number }>(
      `select e_value from trust.gate where challenger_id = '${gate!.challengers[0]!.id}'`,
    );
    expect(gate!.challengers[0]!.e.at(-1)).toBe(last!.e_value);
    expect(gate!.challengers[0]!.threshold).toBeCloseTo(20, 9);
  });

  it('draws plain ASCII where nobody looks at a terminal, and no line is longer than a screen', async () => {
    const { out, code } = await run();
    expect(code).toBe(0);
    expect(out).toMatch(/^[\n -~]*$/);
    expect(out).toMatch(
      /^challenger 1 of reign 0, [0-9a-f]{10}: E [\d.e+]+ of 20\.0 after 70 windows, passed$/m,
    );
    expect(out).toMatch(/^ {4}20\.0 \|[-*]+$/m);
    for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });

  it('writes the same picture as SVG, the same bytes each time', async () => {
    const [a, b] = [join(directory, 'a.svg'), join(directory, 'b.svg')];
    expect((await run(SLOT, '--svg', a)).code).toBe(0);
    await run(SLOT, '--svg', b);
    const svg = readFileSync(a, 'utf8');
    expect(svg).toBe(readFileSync(b, 'utf8'));
    expect(svg.match(/<path /g)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('refuses a slot that nobody reigns over, and a picture of no slot', async () => {
    expect(await run('24h/DOGE')).toMatchObject({
      code: 2,
      err: expect.stringContaining(`There are ${SLOT}.`),
    });
    expect(await run('--svg', join(directory, 'c.svg'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('Name it'),
    });
  });
});
