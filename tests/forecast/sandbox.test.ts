// The sandbox: same answers as in process, and every limit ends the child and the call.
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { openInProcess, openSandboxed } from '../../forecast/onnx/index.js';
import { changed, honest, slow } from './crafted.js';

const built = existsSync(
  fileURLToPath(new URL('../../dist/forecast/onnx/sandbox-child.js', import.meta.url)),
);
const request = { history: Float64Array.of(1, 1), start_s: 0, step_s: 60, steps: 60, paths: 100, seed: 's' };
const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe.skipIf(!built)('openSandboxed [needs npm run build]', () => {
  it('answers as the model does in process', async () => {
    const [inside, here] = [await openSandboxed(honest()), await openInProcess(honest())];
    expect(await inside.simulate(request)).toEqual(await here.simulate(request));
    expect(
      await Promise.all([1, 2, 3].map((n) => inside.simulate({ ...request, seed: `${n}` }))),
    ).toHaveLength(3);
    await Promise.all([inside.close(), here.close()]);
    expect(alive(inside.pid)).toBe(false);
    await expect(inside.simulate(request)).rejects.toMatchObject({ code: 'SWARM_E_MODEL_FAILED' });
  });
  it('names every fence this machine lacks', async () => {
    const sim = await openSandboxed(honest());
    const { network, privileges, cpu, memory, missing } = sim.isolation;
    const held = [network === 'none', privileges === 'dropped', cpu === 'limited', memory === 'polled'];
    expect(missing).toHaveLength(held.filter((h) => !h).length);
    await sim.close();
  });
  it.skipIf(!existsSync('/proc/self/environ'))(
    'hands the child no environment but its channel [needs /proc]',
    async () => {
      const sim = await openSandboxed(honest());
      const names = readFileSync(`/proc/${sim.pid}/environ`, 'utf8')
        .split('\0')
        .filter(Boolean)
        .map((v) => v.split('=')[0]);
      const channel = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'ORT_DISABLE_TELEMETRY'];
      const allocator = ['MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_'];
      // PWD, OLDPWD and _ are what a shell adds about itself.
      expect(
        names.filter((name) => ![...channel, ...allocator, 'PWD', 'OLDPWD', 'SHLVL', '_'].includes(name)),
      ).toEqual([]);
      await sim.close();
    },
  );
  it.skipIf(!existsSync('/proc/self/fd'))(
    'keeps the runtime from writing telemetry [needs /proc]',
    async () => {
      const sim = await openSandboxed(honest());
      const open = readdirSync(`/proc/${sim.pid}/fd`).map((fd) => readlinkSync(`/proc/${sim.pid}/fd/${fd}`));
      expect(open.filter((path) => /mat-debug|Microsoft|onnxruntime\.db/.test(path))).toEqual([]);
      await sim.close();
    },
  );
  it('passes on a refusal from inside', async () => {
    const loop = changed((m) => m.graph.node?.push({ op_type: 'Loop', input: ['noise'], output: ['x'] }));
    await expect(openSandboxed(loop)).rejects.toMatchObject({ code: 'SWARM_E_MODEL_REFUSED' });
  });
  it('keeps an error of one call apart from the next', async () => {
    const sim = await openSandboxed(honest());
    const wrong = { ...request, history: Float64Array.of(1) };
    await expect(sim.simulate(wrong)).rejects.toMatchObject({ code: 'SWARM_E_MODEL_FAILED' });
    expect(await sim.simulate(request)).toHaveLength(6000);
    await sim.close();
  });
  it('kills a model at the wall limit', async () => {
    const sim = await openSandboxed(slow(1500, 400), { wallMs: 500 });
    await expect(sim.simulate(request)).rejects.toThrow(/took longer than 500 ms/);
    await sim.close();
    expect(alive(sim.pid)).toBe(false);
  });
  it('kills a model above its memory', async () => {
    const sim = await openSandboxed(slow(12_000, 1), { memoryMiB: 400, wallMs: 20_000 });
    await expect(sim.simulate(request)).rejects.toThrow(/MiB, allowed are 400/);
    await sim.close();
  });
  it('kills a model at its CPU limit', async () => {
    const sim = await openSandboxed(slow(1500, 400), { cpuSeconds: 1, wallMs: 25_000 });
    await expect(sim.simulate(request)).rejects.toThrow(/its process ended/);
    await sim.close();
  });
});
