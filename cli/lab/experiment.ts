// `swarm experiment`: what one explorer's step would find, without a swarm.
// Promises: the figures that a claim would carry, and the artifact behind them when it is asked for.
// Leaves to others: the trial itself (trial.ts).
import { isPooled } from '../../forecast/families/index.js';
import { table } from '../status/render.js';
import { assertWritable, oneOf, readSpec, startSpec, writeFile } from './files.js';
import { bar, progress } from './progress.js';
import { gainText } from './render.js';
import { inLab } from './session.js';
import { labSlot, readLabBars } from './slot.js';
import { openBench, type Trial, trial } from './trial.js';

export interface ExperimentArguments {
  readonly spec?: string;
  readonly family?: string;
  readonly slot: string;
  readonly bars: string;
  readonly asOf?: Date;
  readonly profile: string;
  readonly fits?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export async function experimentCommand(o: ExperimentArguments): Promise<void> {
  oneOf({ '--spec': o.spec, '--family': o.family });
  if (o.out !== undefined) assertWritable(o.out);
  const slot = labSlot(o.profile, o.slot);
  const spec =
    o.spec === undefined ? startSpec(o.family!, slot.asset, slot.rules.length_s) : readSpec(o.spec, slot);
  const bars = readLabBars(o.bars, slot, isPooled(spec));
  const line = progress();
  await inLab(o.fits, async (lab) => {
    const bench = await openBench(lab, slot, bars, o.asOf === undefined ? {} : { as_of: o.asOf });
    const began = Date.now();
    const { figures, artifact } = await trial(lab, bench, spec, (n) =>
      line.show(`${slot.slot} ${bar(n, bench.starts.length, Date.now() - began)}`),
    );
    line.clear();
    if (o.out !== undefined) writeFile(o.out, artifact);
    process.stdout.write(o.json ? `${JSON.stringify(figures)}\n` : `${printed(figures)}\n`);
  });
}

function printed(t: Trial): string {
  return table(
    [`${t.slot} as of ${t.as_of.slice(0, 10)}`, ''],
    [
      ['spec', JSON.stringify(t.spec)],
      ['spec digest', t.spec_digest],
      ['artifact', t.artifact],
      ['mean CRPS', `${t.mean_crps.toFixed(3)} on ${t.n} windows`],
      ['gain on yardstick', `${gainText(t)} (yardstick ${t.yardstick_crps.toFixed(3)})`],
      [
        'gain on reference',
        `${gainText({ gain: t.gain_reference, se: t.se_reference })} (reference ${t.reference_crps.toFixed(3)})`,
      ],
      ['windows', t.windows_digest],
      ['dataset', t.dataset_digest],
      ['code', t.code_version],
      ['fit', `${(t.fit_ms / 1000).toFixed(2)} s, ${t.fit_from === 'fit' ? 'fitted' : `from ${t.fit_from}`}`],
      ['scores', `${(t.score_ms / 1000).toFixed(2)} s`],
    ],
  );
}
