// `npm run bench -- NAME [--json]`: measured figures beside references measured in the same call. No figure is a limit.
// stdout is the result, stderr the progress; an unknown name lists the names and exits 2.
import { fail } from '../../cli/failure.js';
import { table } from '../../cli/status/render.js';
import { blackboard } from './blackboard.js';
import { byzantine } from './byzantine.js';
import type { Bench, Figure } from './figure.js';
import { forecast } from './forecast.js';
import { memory } from './memory.js';
import { miner } from './miner.js';
import { skillRows, skillTable } from './skill.js';
import { strategist } from './strategist.js';

const benches: Readonly<Record<string, Bench>> = {
  forecast,
  miner,
  blackboard,
  byzantine,
  strategist,
  memory,
};

const args = process.argv.slice(2);
const json = args.includes('--json');
const [name, ...rest] = args.filter((arg) => arg !== '--json');
const progress = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
const bench = name !== undefined && Object.hasOwn(benches, name) ? benches[name] : undefined;

if (name === 'skill') {
  const rows = await skillRows(progress, rest);
  process.stdout.write(`${json ? JSON.stringify(rows) : skillTable(rows)}\n`);
  process.exit();
} else if (bench === undefined || rest.length > 0) {
  progress(`name one bench: ${[...Object.keys(benches), 'skill [SLOT ...]'].join(', ')}`);
  process.exitCode = 2;
} else {
  try {
    const figures = await bench(progress);
    process.stdout.write(`${json ? JSON.stringify(figures) : show(figures)}\n`);
  } catch (error) {
    fail(error);
  }
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
