// Answers that are sent before their row is written: on disk by then, and stored by whoever runs next.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { AgentContext } from '../../agents/runtime/context.js';
import { Ledger } from '../../miner/serving/ledger.js';
import { formatStart } from '../../miner/sn50/prompt.js';
import { NOW_S, openWorld, type World } from './world.js';

let world: World;
let context: AgentContext;
let folder: string;
let file: string;
const SLOT = '1h/BTC';

beforeAll(async () => {
  world = await openWorld('unrecorded', { past: 1, slots: [SLOT] });
  context = await world.agent('miner');
  context.log.level = 'silent';
  folder = mkdtempSync(join(tmpdir(), 'unrecorded-'));
});
beforeEach(() => {
  file = join(mkdtempSync(join(folder, 'one-')), 'answers');
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await world.close();
});

/** What the file keeps of one answer. */
interface Line {
  facts: { start_s: number };
}

const prompt = (start_s: number) => ({
  asset: 'BTC',
  start_time: formatStart(start_s),
  time_increment: 60,
  time_length: 3600,
  num_simulations: 10,
});

/** Records what became of the prompt of the nth minute. */
const record = (ledger: Ledger, n: number) =>
  ledger.record(
    {
      validator: 'v',
      slot: SLOT,
      competition: '1h',
      start_s: NOW_S + 60 * n,
      prompt: prompt(NOW_S + 60 * n),
    },
    { failure: new Error(`minute ${n}`), data_until_s: NOW_S },
    1,
  );

/** The reasons in the rows of the prompts of the nth minute. */
async function stored(n: number): Promise<string[]> {
  const { rows } = await world.admin.query(
    'select a.reason from board.answer a join board.prompt p on p.id = a.prompt_id where p.start_at = to_timestamp($1)',
    [NOW_S + 60 * n],
  );
  return rows.map(({ reason }) => reason);
}

const linesOf = (): Line[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]));

/** The database is away for as long as this is not restored. */
const away = () =>
  vi.spyOn(context.db, 'insertInto').mockImplementation(() => {
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  });

it('is on disk at once while the database is away, and gone from there once it is stored', async () => {
  const gone = away();
  const ledger = new Ledger(context, file);
  const { kept, stored: written } = record(ledger, 1);
  expect(kept).toBe(true);
  expect(linesOf()).toHaveLength(1);
  gone.mockRestore();
  await written;
  expect(readFileSync(file, 'utf8')).toBe('');
  expect(await stored(1)).toEqual(['minute 1']);
  await ledger.close();
});

it('is stored by the next process, once, and a line that is torn is nothing', async () => {
  const gone = away();
  const killed = new Ledger(context, file);
  record(killed, 2);
  const [line] = linesOf();
  gone.mockRestore();
  await killed.close();
  const later = JSON.stringify({ ...line, facts: { ...line!.facts, start_s: NOW_S + 180 } });
  writeFileSync(file, `${JSON.stringify(line)}\n${later}\n${later.slice(0, 40)}`);
  await new Ledger(context, file).close();
  expect(await stored(2)).toEqual(['minute 2']);
  expect(await stored(3)).toEqual(['minute 2']);
  expect(readFileSync(file, 'utf8')).toBe('');
});

it('waits for its row where no file can keep it, or too many are on their way', async () => {
  const without = new Ledger(context);
  expect(record(without, 4).kept).toBe(false);
  const gone = away();
  const ledger = new Ledger(context, file);
  const kept = Array.from({ length: 300 }, (_, n) => record(ledger, 10 + n).kept);
  expect(kept.indexOf(false)).toBeGreaterThan(100);
  gone.mockRestore();
  await Promise.all([ledger.close(), without.close()]);
  expect(await stored(10 + 299)).toEqual(['minute 309']);
});
