// What an interrupted download has already fetched: one CSV per stretch under DIR/.download, and a state file with their sha256.
// Promises: a part counts only while its bytes match the state; a series of another source or symbol is never mixed in.
// Leaves to others: what to fetch, and when the parts have become a file.
import { existsSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { SwarmError } from '../../../blackboard/errors.js';
import { parseBarsCsv } from '../../../forecast/bars.js';
import { sha256Hex } from '../../../forecast/canonical.js';
import { barsText, candlesOfBars, type Sidecar, sidecarSchema, writeWhole } from '../files.js';
import { type Candle, SOURCE_NAMES, type SourceName, stepName } from '../sources/source.js';

const state = z.object({
  version: z.literal(1),
  source: z.enum(SOURCE_NAMES),
  symbol: z.string(),
  step_s: z.int().positive(),
  parts: z.array(
    z.object({ from_s: z.int(), to_s: z.int(), rows: z.int().nonnegative(), sha256: z.string() }),
  ),
  /** Set between the rename of a bar file and that of its sidecar. */
  publishing: sidecarSchema.optional(),
});
type State = z.infer<typeof state>;

/** Bars opening in [from_s, to_s). */
export interface Stretch {
  readonly from_s: number;
  readonly to_s: number;
}

export interface SeriesName {
  readonly directory: string;
  readonly asset: string;
  readonly step_s: number;
  readonly source: SourceName;
  readonly symbol: string;
}

export class Parts {
  private constructor(
    private readonly name: SeriesName,
    private state: State,
  ) {}

  /** Throws SWARM_E_DATA_CONFLICT when the parts there come from elsewhere. */
  static open(name: SeriesName): Parts {
    const { source, symbol, step_s } = name;
    const known = readState(name);
    if (known !== undefined && (known.source !== source || known.symbol !== symbol))
      throw new SwarmError(
        'SWARM_E_DATA_CONFLICT',
        `an unfinished download of ${known.symbol} from ${known.source} lies in ${base(name)}`,
        'Finish it with its own source and symbol, remove it, or name another --out.',
      );
    return new Parts(name, known ?? { version: 1, source, symbol, step_s, parts: [] });
  }

  /** The bars of a stretch, if a verified part covers it; a part whose bytes have changed is forgotten. */
  find(want: Stretch): Candle[] | undefined {
    const part = this.state.parts.find((p) => p.from_s <= want.from_s && p.to_s >= want.to_s);
    if (part === undefined) return undefined;
    const path = this.path(part.from_s);
    const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (sha256Hex(text) !== part.sha256) {
      this.state = { ...this.state, parts: this.state.parts.filter((p) => p !== part) };
      return undefined;
    }
    const { asset, step_s } = this.name;
    return candlesOfBars(parseBarsCsv(text, { file: path, asset, step: step_s })).filter(
      (c) => c.open_s >= want.from_s && c.open_s < want.to_s,
    );
  }

  keep(stretch: Stretch, candles: readonly Candle[]): void {
    const text = barsText(candles);
    writeWhole(this.path(stretch.from_s), text);
    const others = this.state.parts.filter((p) => p.from_s !== stretch.from_s);
    this.save({
      ...this.state,
      parts: [...others, { ...stretch, rows: candles.length, sha256: sha256Hex(text) }],
    });
  }

  /** The sidecar that a download killed between two renames still owes. */
  get owed(): Sidecar | undefined {
    return this.state.publishing;
  }

  publishing(sidecar: Sidecar): void {
    this.save({ ...this.state, publishing: sidecar });
  }

  clear(): void {
    rmSync(base(this.name), { recursive: true, force: true });
    rmSync(stateFile(this.name), { force: true });
    try {
      rmdirSync(join(this.name.directory, '.download'));
    } catch {
      // Another series is still unfinished.
    }
  }

  private save(next: State): void {
    this.state = next;
    writeWhole(stateFile(this.name), `${JSON.stringify(next)}\n`);
  }

  private path(from_s: number): string {
    return join(base(this.name), `${from_s}.csv`);
  }
}

const base = (n: SeriesName): string => join(n.directory, '.download', `${n.asset}_${stepName(n.step_s)}`);
const stateFile = (n: SeriesName): string => `${base(n)}.json`;

/** A state that cannot be read holds nothing worth more than fetching again. */
function readState(name: SeriesName): State | undefined {
  try {
    return state.parse(JSON.parse(readFileSync(stateFile(name), 'utf8')));
  } catch {
    return undefined;
  }
}
