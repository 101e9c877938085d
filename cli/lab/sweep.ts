// `swarm sweep` and `swarm quick`: families times slots, one trial after the other, kept so that it can go on later.
// Promises: what was run is not run again; a failure is a result too; Ctrl-C finishes the trial in hand and loses nothing.
// Leaves to others: one trial (trial.ts) and where results lie (results.ts).
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Spec, specDigest } from '../../forecast/families/index.js';
import { table } from '../status/render.js';
import { barsOf, chosenSlots, PRESETS, type Preset, type SweepArguments, specsOf } from './presets.js';
import { bar, progress } from './progress.js';
import { gainText } from './render.js';
import { keyOf, openResults, type Results, type Row } from './results.js';
import { inLab, type Lab } from './session.js';
import type { LabBars, LabSlot } from './slot.js';
import { type Bench, openBench, trial } from './trial.js';

/** One trial as a row; a failure is one too, unless it is no failure of the model. */
async function run(lab: Lab, bench: Bench, spec: Spec, key: string): Promise<Row> {
  const began = Date.now();
  const about = {
    key,
    slot: bench.slot.slot,
    family: spec.family,
    spec,
    spec_digest: specDigest(spec),
    windows_digest: bench.windows_digest,
    dataset_digest: bench.bars.dataset_digest,
    code_version: lab.code,
  };
  try {
    const { figures } = await trial(lab, bench, spec);
    const { mean_crps, yardstick_crps, reference_crps, gain, se, gain_reference, se_reference } = figures;
    const { n, artifact, fit_from, fit_ms, score_ms } = figures;
    return {
      ...about,
      cost_ms: Date.now() - began,
      result: {
        mean_crps,
        yardstick_crps,
        reference_crps,
        gain,
        se,
        gain_reference,
        se_reference,
        n,
        artifact,
        fit_from,
        fit_ms,
        score_ms,
      },
    };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code?.startsWith('SWARM_E_') !== true) throw error;
    return { ...about, cost_ms: Date.now() - began, failure: { code, message } };
  }
}

/** Runs what is not there yet. Resolves with the exit code: 0, or 130 when it was interrupted. */
export async function sweepCommand(o: SweepArguments): Promise<number> {
  const preset = PRESETS[o.preset];
  const chosen = chosenSlots(o, preset);
  const warn = (text: string): void => void process.stderr.write(`${text}\n`);
  const results = openResults(o.out, warn);
  const stop = new AbortController();
  const onInterrupt = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
    warn('\nfinishing the trial in hand; press Ctrl-C again to leave it');
  };
  process.on('SIGINT', onInterrupt);
  try {
    const ran = await inLab(join(o.out, 'fits'), (lab) =>
      sweep(lab, o, preset, chosen, results, stop.signal),
    );
    print(o, ran);
  } finally {
    process.off('SIGINT', onInterrupt);
  }
  if (stop.signal.aborted) warn(`interrupted: the same command goes on with what is left, from ${o.out}`);
  return stop.signal.aborted ? 130 : 0;
}

/** A slot whose bars do not reach far enough is no reason to leave the others. */
async function benchOf(
  lab: Lab,
  slot: LabSlot,
  bars: LabBars,
  o: SweepArguments,
  preset: Preset,
): Promise<Bench | Error> {
  try {
    const as_of = o.asOf === undefined ? {} : { as_of: o.asOf };
    return await openBench(lab, slot, bars, { ...preset.bench, ...as_of });
  } catch (error) {
    if ((error as { code?: string }).code === 'SWARM_E_BARS_TOO_FEW') return error as Error;
    throw error;
  }
}

async function sweep(
  lab: Lab,
  o: SweepArguments,
  preset: Preset,
  chosen: readonly LabSlot[],
  results: Results,
  stop: AbortSignal,
): Promise<Row[]> {
  const line = progress();
  const plans = chosen.map((slot) => ({ slot, specs: specsOf(o, preset, slot) }));
  const total = plans.reduce((n, { specs }) => n + specs.length, 0);
  const rows: Row[] = [];
  let fresh = 0;
  let fresh_ms = 0;
  for (const { slot, specs } of plans) {
    if (stop.aborted) break;
    line.show(`${slot.slot}: reading bars`);
    const bars = await barsOf(o, slot, lab);
    const bench = await benchOf(lab, slot, bars, o, preset);
    if (bench instanceof Error) {
      line.clear();
      process.stderr.write(`${slot.slot} is left out: ${bench.message}\n`);
      if (chosen.length === 1) throw bench;
      continue;
    }
    for (const spec of specs) {
      if (stop.aborted) break;
      const left_ms = fresh === 0 ? 0 : (fresh_ms / fresh) * Math.max(1, rows.length);
      line.show(`${slot.slot} ${spec.family} ${bar(rows.length, total, left_ms)}`);
      const key = keyOf(spec, bench, lab.code);
      const known = results.rows.get(key);
      const again = known === undefined || (known.failure !== undefined && o.retryFailed === true);
      if (!again) {
        rows.push(known);
        continue;
      }
      const one = await run(lab, bench, spec, key);
      results.append(one);
      rows.push(one);
      fresh += 1;
      fresh_ms += one.cost_ms;
    }
  }
  line.clear();
  process.stderr.write(`${fresh} trials run, ${rows.length - fresh} were there already\n`);
  return rows;
}

function print(o: SweepArguments, rows: readonly Row[]): void {
  const best = (row: Row): number => row.result?.gain ?? Number.NEGATIVE_INFINITY;
  const slots = [...new Set(rows.map((row) => row.slot))];
  const sorted = slots.flatMap((slot) =>
    rows.filter((row) => row.slot === slot).sort((a, b) => best(b) - best(a)),
  );
  const market = o.bars === undefined ? 'simulated' : 'recorded';
  if (o.json) {
    process.stdout.write(`${JSON.stringify({ market, seed: o.seed, results: sorted })}\n`);
    return;
  }
  if (market === 'simulated')
    process.stdout.write(
      `SIMULATED MARKET, seed ${o.seed}: these figures say nothing about real prices. Give --bars DIR for recorded ones.\n\n`,
    );
  process.stdout.write(
    `${table(
      ['slot', 'family', 'spec', 'CRPS', 'gain on yardstick', 'gain on reference', 'n', 's'],
      sorted.map((row) => cells(row)),
    )}\n\nresults in ${join(o.out, 'results.jsonl')}\n`,
  );
}

function cells({ slot, family, spec_digest, cost_ms, result, failure }: Row): string[] {
  const cost = (cost_ms / 1000).toFixed(1);
  const about = [slot, family, spec_digest.slice(0, 10)];
  if (result === undefined) return [...about, '-', failure?.code ?? '-', '-', '-', cost];
  return [
    ...about,
    result.mean_crps.toFixed(2),
    gainText(result),
    gainText({ gain: result.gain_reference, se: result.se_reference }),
    String(result.n),
    cost,
  ];
}

/** One quick sweep of one 24 h slot and one 1 h slot, on bars or on the simulated market. */
export function quickCommand(o: {
  bars?: string;
  out?: string;
  seed: string;
  profile: string;
  json?: boolean;
}) {
  const out = o.out ?? mkdtempSync(join(tmpdir(), 'swarm-quick-'));
  return sweepCommand({ ...o, preset: 'quick', out });
}
