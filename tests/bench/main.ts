// `npm run bench -- NAME [--json]`: measured figures beside references measured in the same call. No figure is a limit.
// stdout is the result, stderr the progress; an unknown name lists the names and exits 2.
import { table } from '../../cli/status/render.js';
import type { Bench, Figure } from './figure.js';
import { forecast } from './forecast.js';
import { miner } from './miner.js';

const benches: Readonly<Record<string, Bench>> = { forecast, miner };

const args = process.argv.slice(2);
const json = args.includes('--json');
const names = args.filter((arg) => arg !== '--json');
const bench = names.length === 1 && Object.hasOwn(benches, names[0]!) ? benches[names[0]!] : undefined;

if (bench === undefined) {
  process.stderr.write(`name one bench: ${Object.keys(benches).join(', ')}\n`);
  process.exitCode = 2;
} else {
  const figures = await bench((line) => process.stderr.write(`${line}\n`));
  process.stdout.write(`${json ? JSON.stringify(figures) : show(figures)}\n`);
  // Whatever a run leaves open must not keep it from ending.
  process.exit();
}

function show(figures: readonly Figure[]): string {
  const number = (x: number): string => x.toPrecision(3);
  return table(
    ['bench', 'figure', 'reference', 'unit', 'ratio', 'note'],
    figures.map((f) => [f.name, number(f.figure), number(f.reference), f.unit, number(f.ratio), f.note]),
  );
}
