// Replies around a text that is compressed once: whatever comes before and after it, a reader of gzip gets it all.
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { gzipAround, SharedText } from '../../../miner/axon/shared-text.js';

const bytes = (max: number) =>
  fc.uint8Array({ maxLength: max, size: 'max' }).map((given) => Buffer.from(given));

it('is one gzip member of all three parts', async () => {
  await fc.assert(
    fc.asyncProperty(bytes(2000), bytes(5000), bytes(50), async (head, text, tail) => {
      const pieces = await gzipAround(head, new SharedText(text), tail);
      expect(gunzipSync(Buffer.concat(pieces))).toEqual(Buffer.concat([head, text, tail]));
    }),
    { numRuns: 200 },
  );
});

it('holds a head that needs several blocks, and compresses the shared text once', async () => {
  const text = new SharedText(Buffer.alloc(3_000_000, '64123.456,'));
  const head = Buffer.alloc(70_000, 'h');
  const pieces = await gzipAround(head, text, Buffer.from('}'));
  expect(gunzipSync(Buffer.concat(pieces)).equals(Buffer.concat([head, text.bytes, Buffer.from('}')]))).toBe(
    true,
  );
  expect(await text.deflated()).toBe(await text.deflated());
  expect(Buffer.concat(pieces).length).toBeLessThan(2_000_000);
});
