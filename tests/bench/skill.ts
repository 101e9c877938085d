// `npm run bench -- skill`: what the direct recipe gains over two yardsticks on recorded bars, walk-forward.
// B1 is the subnet's reference miner, B3 a scaled Gaussian EWMA; both draw 1000 paths, the model's are placed.
import { table } from '../../cli/status/render.js';
import type { Bars } from '../../forecast/bars.js';
import { readRecorded, recordedFile } from '../forecast/recorded-bars.js';
import { measure, type SkillRow } from './skill/run.js';
import { skillSlots } from './skill/slots.js';

/** Rows of the slots whose bars this machine has; the others are named on stderr. `only`: slots such as 24h/BTC. */
export async function skillRows(
  progress: (line: string) => void,
  only: readonly string[],
): Promise<SkillRow[]> {
  const kept = new Map<string, Bars>();
  const load = (name: string): Bars => {
    const known = kept.get(name);
    if (known !== undefined) return known;
    const [asset, minutes] = name.split('_') as [string, string];
    const file = recordedFile(asset, Number.parseInt(minutes, 10));
    if (file === undefined) throw new Error(`no recorded bars ${name}`);
    const parsed = readRecorded(file, asset, Number.parseInt(minutes, 10));
    kept.set(name, parsed);
    return parsed;
  };
  const rows: SkillRow[] = [];
  for (const slot of skillSlots) {
    const id = `${slot.competition}/${slot.asset}`;
    if (only.length > 0 && !only.includes(id)) continue;
    const missing = [slot.bars, ...slot.peers].find((name) => {
      const [asset, minutes] = name.split('_') as [string, string];
      return recordedFile(asset, Number.parseInt(minutes, 10)) === undefined;
    });
    if (missing !== undefined) progress(`${id} skipped: no recorded bars ${missing}`);
    else {
      const row = await measure(slot, load, progress);
      progress(JSON.stringify(row));
      rows.push(row);
    }
  }
  return rows;
}

const percent = (x: number): string => (100 * x).toFixed(2);

export function skillTable(rows: readonly SkillRow[]): string {
  return table(
    [
      'slot',
      'n',
      'over B3 %',
      'se',
      'must',
      'over B1 %',
      'se',
      'must',
      'oracle %',
      'mean CRPS',
      'windows',
      'dataset',
    ],
    rows.map((r) => [
      r.slot,
      String(r.n),
      percent(r.b3.gain),
      percent(r.b3.se),
      r.must === null ? '' : String(r.must[0]),
      percent(r.b1.gain),
      percent(r.b1.se),
      r.must === null ? '' : String(r.must[1]),
      percent(r.oracle),
      r.mean_crps.toFixed(1),
      r.windows_digest.slice(0, 12),
      r.dataset_digest.slice(0, 12),
    ]),
  );
}
