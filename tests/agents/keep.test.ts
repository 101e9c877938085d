// A fitted artifact is held until the store has it, and let go for three reasons alone.
import { describe, expect, it } from 'vitest';
import { keepArtifact } from '../../agents/runtime/keep.js';
import { SwarmError, type SwarmErrorCode } from '../../blackboard/errors.js';

const trouble = (code: SwarmErrorCode): SwarmError => new SwarmError(code, 'the store is away', '');
const bytes = Buffer.from('fitted');

interface Scene {
  readonly lease: AbortController;
  readonly stop: AbortController;
  readonly told: unknown[];
  puts: number;
}

/** A store that fails as told, and what became of the artifact; `failed` runs once a failure is told. */
function scene(
  failure: Error,
  failed: (scene: Scene) => void | Promise<void>,
): Scene & { run(): Promise<string> } {
  const made = { lease: new AbortController(), stop: new AbortController(), told: [] as unknown[], puts: 0 };
  const context = {
    stopping: made.stop.signal,
    store: {
      put: async () => {
        made.puts += 1;
        throw failure;
      },
    },
    alert: async (...words: unknown[]) => void made.told.push(words),
  } as unknown as Parameters<typeof keepArtifact>[0];
  return Object.assign(made, {
    run: () => keepArtifact(context, { signal: made.lease.signal }, bytes, async () => failed(made)),
  });
}

describe('a fitted artifact', () => {
  it('is let go when the lease is lost, with its reason', async () => {
    const reason = new Error('somebody else does it');
    const lost = scene(trouble('SWARM_E_STORE_UNREACHABLE'), ({ lease }) => lease.abort(reason));
    await expect(lost.run()).rejects.toBe(reason);
    expect(lost.puts).toBe(1);
    expect(lost.told).toEqual([
      ['error', 'SWARM_E_STORE_UNREACHABLE', expect.stringContaining('the store is away')],
    ]);
  });

  it('is let go when the agent is asked to stop, with the trouble', async () => {
    const asked = scene(trouble('SWARM_E_DISK_FULL'), ({ stop }) => stop.abort());
    await expect(asked.run()).rejects.toMatchObject({ code: 'SWARM_E_DISK_FULL' });
    expect(asked.puts).toBe(1);
  });

  it.each(['SWARM_E_ARTIFACT_DIGEST', 'SWARM_E_ARTIFACT_SIZE'] as const)(
    'is let go at once when the trouble is its own: %s',
    async (code) => {
      const own = scene(trouble(code), () => undefined);
      await expect(own.run()).rejects.toMatchObject({ code });
      expect(own.told).toEqual([]);
    },
  );

  it('is held when the database is away as well', async () => {
    const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const reason = new Error('the lease ended');
    const both = scene(trouble('SWARM_E_STORE_UNREACHABLE'), ({ lease, puts }) => {
      if (puts === 2) lease.abort(reason);
      throw away;
    });
    await expect(both.run()).rejects.toBe(reason);
    expect(both.puts).toBe(2);
  });
});
