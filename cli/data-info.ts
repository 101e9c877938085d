// `swarm data info DIR`: what bar files hold, as text or JSON.
// Promises: exit 1 when any file is broken or not what its sidecar describes, after all of them were reported.
// Leaves to others: looking into the files.
import { type BarFacts, type FileReport, inspectDirectory } from '../miner/prices/info.js';
import { stepName } from '../miner/prices/sources/source.js';

/** Returns the exit code. */
export function infoCommand(directory: string, o: { assets?: string[]; json?: boolean }): number {
  const reports = inspectDirectory(directory, o.assets);
  process.stdout.write(o.json ? `${JSON.stringify(reports)}\n` : `${reports.map(render).join('\n')}`);
  return reports.some((r) => r.problems.length > 0) ? 1 : 0;
}

export function render(r: FileReport): string {
  const lines = [
    `${r.file}  ${r.asset} ${stepName(r.step_s)}${r.source ? `, ${r.source.symbol} from ${r.source.name}` : ''}`,
    ...r.problems.map((p) => `  ${p.code}: ${p.message}\n    ${p.hint}`),
    ...(r.facts ? factLines(r.facts, r.step_s) : r.problems.length > 0 ? [] : ['  no bars']),
    `  checksum  ${{ verified: 'verified against the sidecar', mismatch: 'MISMATCH with the sidecar', none: 'no sidecar' }[r.checksum ?? 'none']}`,
  ];
  return `${lines.join('\n')}\n`;
}

function factLines(f: BarFacts, step_s: number): string[] {
  const { longest, count } = f.gaps;
  const gaps =
    longest === null ? 'none' : `${count}, longest ${hours(longest.bars * step_s)} from ${longest.from}`;
  const move = f.largest_move;
  return [
    `  bars      ${f.rows}, ${f.first} to ${f.last}, ${percent(f.coverage_percent)} of the grid`,
    `  gaps      ${gaps}`,
    ...f.long_gaps.listed.map((g) => `            ${g.from} to ${g.to}, ${hours(g.bars * step_s)}`),
    ...more(f.long_gaps.more, 'of an hour or more'),
    ...f.constant.listed.map(
      (c) => `  CONSTANT  ${c.from} to ${c.to}: one price for ${hours(c.bars * step_s)}`,
    ),
    ...more(f.constant.more, 'constant stretches'),
    ...(move === null
      ? []
      : [`  largest   log return ${move.log_return.toFixed(5)} in the bar of ${move.at}`]),
    `  digest    ${f.digest}`,
  ];
}

const more = (count: number, what: string): string[] =>
  count === 0 ? [] : [`            and ${count} more ${what}`];

/** Never rounded up to a whole that it is not. */
const percent = (value: number): string => `${value === 100 ? '100' : Math.min(99.99, value).toFixed(2)}%`;

const hours = (s: number): string => (s < 3600 ? `${s / 60} min` : `${Number((s / 3600).toFixed(1))} h`);
