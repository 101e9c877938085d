// The pictures in the documents are those that the code makes. `npm run docs:pictures` writes them anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ground, openGround } from './ground.js';
import { gatePicture, trustPicture } from './pictures.js';

let ground: Ground;
beforeAll(async () => {
  ground = await openGround('pictures');
});
afterAll(() => ground.close());

const PICTURES = { 'trust.svg': trustPicture, 'gate.svg': gatePicture };

describe('the pictures of docs/trust.md', () => {
  it.each(Object.entries(PICTURES))('%s is what the code makes', async (name, make) => {
    const path = fileURLToPath(new URL(`../../docs/pictures/${name}`, import.meta.url));
    const svg = await make(ground);
    if (process.env['SWARM_PICTURES'] === 'write') writeFileSync(path, svg);
    expect(svg).toBe(readFileSync(path, 'utf8'));
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});
