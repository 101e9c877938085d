// What an experiment has to come up to before it is claimed, and what a decision is told of verdicts.
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { archiveOf } from '../../agents/runtime/desk.js';
import { claimBar } from '../../agents/runtime/search-records.js';
import { type Db, openDb } from '../../blackboard/db.js';
import { type Ground, openGround } from '../trust/ground.js';
import { forget, History, SLOT } from '../trust/history.js';

let ground: Ground;
let db: Db;
beforeAll(async () => {
  ground = await openGround('claim bar');
  db = openDb({ url: ground.url, name: 'claim bar' });
});
afterEach(() => forget(ground.admin));
afterAll(async () => {
  await db.destroy();
  await ground.close();
});

/** A claim of one explorer per line: gain by verdict, gains by experiments. */
async function told(...lines: [verified: number, ...stated: number[]][]): Promise<void> {
  const h = new History();
  const [author, checker] = [h.agent('alice', 'explorer'), h.agent('carol', 'checker')];
  for (const [verified_gain, ...stated] of lines) {
    const claim = h.claim(author, { claimed_gain: Math.max(...stated, 0) });
    h.verdict(checker, claim, { verified_gain, verified_se: 0.01 });
    for (const gain of stated) h.experiment(author, claim, gain);
  }
  await h.write(ground.admin);
}
const bar = (): Promise<number> => claimBar({ db }, SLOT);

it('is nothing while nothing is verified', async () => expect(await bar()).toBe(0));

it('is the verdict where the stated gain lies above it', async () => {
  await told([0.02, 0.03], [0.01, 0.02]);
  expect(await bar()).toBeCloseTo(0.02, 9);
});

it('is the stated gain where hidden windows were kinder than public ones: others are no worse for the month', async () => {
  await told([0.04, 0.01, 0.005], [0.03, -0.02]);
  expect(await bar()).toBeCloseTo(0.01, 9);
});

it('is never below 0', async () => {
  await told([-0.02, -0.01], [0.03, -0.04]);
  expect(await bar()).toBe(0);
});

it('comes with verdicts in the archive of a decision', async () => {
  await told([0.02, 0.03], [0.03, 0.01]);
  const archive = await archiveOf(db, SLOT, 10);
  expect(archive.map((t) => [t.gain, t.verdict?.gain])).toEqual(
    expect.arrayContaining([
      [0.03, expect.closeTo(0.02, 9)],
      [0.01, expect.closeTo(0.03, 9)],
    ]),
  );
  expect(await archiveOf(db, SLOT, 1)).toHaveLength(1);
});
