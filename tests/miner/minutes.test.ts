// The reference on minutes has a process while somebody uses it, and is made once.
import { expect, it } from 'vitest';
import { MinuteReferences } from '../../miner/serving/minutes.js';

function scene(failures = 0) {
  const told: string[] = [];
  let left = failures;
  const references = new MinuteReferences(
    {
      clock: { dataset_digest: 'd'.repeat(64) },
      store: {
        put: async () => {
          if (left-- > 0) throw new Error('the store is away');
          told.push('put');
          return 'digest';
        },
      },
    } as unknown as ConstructorParameters<typeof MinuteReferences>[0],
    {
      load: async () => ({}) as never,
      rest: async () => {
        told.push('rest');
      },
    },
  );
  return { references, told };
}

it('rests when the last of those that use it ends, and not before', async () => {
  const { references, told } = scene();
  let leave = (): void => undefined;
  const long = references.use('BTC', () => new Promise<void>((end) => (leave = end)));
  await references.use('BTC', async () => told.push('short'));
  expect(told).toEqual(['put', 'short']);
  leave();
  await long;
  expect(told).toEqual(['put', 'short', 'rest']);
});

it('rests where its use failed, and is made anew where making it failed', async () => {
  const { references, told } = scene(1);
  await expect(references.use('BTC', async () => 1)).rejects.toThrow('the store is away');
  await expect(references.use('BTC', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(told).toEqual(['put', 'rest']);
});
