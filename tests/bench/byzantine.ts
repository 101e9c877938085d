// Trust and the gate against owners who lie, on a market whose truth is known: the real tables, triggers and views decide; beside them,
// in the same call, what counting confirmations, averaging and believing make of the same fleets. SWARM_BENCH_SEEDS, SWARM_BENCH_DAYS
// and SWARM_BENCH_REIGNS make it quicker or surer, SWARM_BENCH_SEED is the first seed; SWARM_BENCH_ONLY=lives,reigns,fleet picks parts.
import type pg from 'pg';
import { type Constants, constantsOf } from '../../trust/constants.js';
import { seeded } from '../trust/seeded.js';
import { openBenchGround } from './blackboard/ground.js';
import { Course, type Noted } from './byzantine/course.js';
import { DatabaseRules } from './byzantine/database.js';
import { FLEET_SLOTS, type FleetResult, runFleet, type Spent } from './byzantine/fleet.js';
import { CLAIMANTS, livesOf } from './byzantine/lifetimes.js';
import { honestAlone, honestFleet, mixedFleet, type Owner } from './byzantine/owners.js';
import { NOISES, reignsOf, wilson } from './byzantine/reigns.js';
import { type Rival, RivalRules } from './byzantine/rivals.js';
import { mean, World } from './byzantine/world.js';
import { type Bench, type Figure, figure } from './figure.js';

type Progress = (line: string) => void;
const setting = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
const percent = (x: number): string => `${(100 * x).toFixed(1)}%`;

export const byzantine: Bench = async (progress) => {
  const chosen = (process.env['SWARM_BENCH_ONLY'] ?? 'lives,reigns,fleet').split(',');
  return [
    ...(chosen.includes('lives') ? await lives(progress) : []),
    ...(chosen.includes('reigns') ? await gate(progress) : []),
    ...(chosen.includes('fleet') ? await fleets(progress) : []),
  ];
};

async function constantsIn(client: pg.Client): Promise<Constants> {
  const { rows } = await client.query<{ name: string; value: number }>(
    'select name, value from board.constant',
  );
  return constantsOf(rows);
}

async function lives(progress: Progress): Promise<Figure[]> {
  const ground = await openBenchGround();
  try {
    const constant = await constantsIn(ground.admin);
    const rule = {
      half_life_days: constant('half_life_days'),
      slack: constant('over_slack'),
      low: constant('over_clip_low'),
      clip: constant('over_clip'),
    };
    return Object.keys(CLAIMANTS).map((claimant) => {
      const found = livesOf(claimant, rule, { owners: setting('SWARM_BENCH_LIVES', 4000) });
      const [low, high] = wilson(found.decimated, found.owners);
      const note = `ever, in 500 claims looked at one by one: ${found.decimated} of ${found.owners} owners, 95% interval ${percent(low)}-${percent(high)}; ${percent(found.time)} of looks; first after ${Number.isFinite(found.claims) ? found.claims : 'more'} claims (median); by a fixed bound of 2.5 standard errors ${percent(found.byFixedBound / found.owners)}; reference: at most 2% of the honest`;
      progress(`trust a tenth for over-claiming, ${claimant}: ${note}`);
      return figure(`over_claim_alarm ${claimant}`, '1', found.decimated / found.owners, 0.02, note);
    });
  } finally {
    await ground.close();
  }
}

async function gate(progress: Progress): Promise<Figure[]> {
  const reigns = setting('SWARM_BENCH_REIGNS', 1000);
  const ground = await openBenchGround();
  try {
    const constant = await constantsIn(ground.admin);
    const out: Figure[] = [];
    for (const noise of Object.keys(NOISES)) {
      const r = await reignsOf(ground.admin, noise, reigns, constant);
      const [low, high] = wilson(r.falsePromotions, r.reigns);
      const note = `${r.falsePromotions} of ${r.reigns} reigns, 95% interval ${percent(low)}-${percent(high)}; ${r.challengers} challengers; SQL apart by ${r.apart.toExponential(0)}; reference: the nominal level`;
      progress(`false promotions, ${noise}: ${note}`);
      out.push(
        figure(
          noise === 'normal' ? 'false_promotion_rate' : `false_promotion_rate ${noise}`,
          '1',
          r.falsePromotions / r.reigns,
          constant('gate_alpha'),
          note,
        ),
      );
    }
    return out;
  } finally {
    await ground.close();
  }
}

interface Run {
  readonly result: FleetResult;
  readonly course: Course;
  readonly refused: number;
}

async function swarm(owners: readonly Owner[], seed: number, days: number): Promise<Run> {
  const ground = await openBenchGround();
  try {
    const world = new World(`seed ${seed}`);
    const rules = new DatabaseRules(ground.admin, world, FLEET_SLOTS);
    const course = new Course(owners);
    const result = await runFleet({ owners, seed, days, rules, world }, async (day) =>
      course.note(day, await rules.standing()),
    );
    return { result, course, refused: rules.refused };
  } finally {
    await ground.close();
  }
}

/** Means over runs, each with its name. */
const listed = (of: readonly Spent[], said: (x: number) => string): string =>
  [...new Set(of.flatMap((one) => Object.keys(one)))]
    .map((name) => `${name} ${said(mean(of.map((one) => one[name] ?? 0)))}`)
    .join(', ');
const spentOf = (results: readonly FleetResult[]): string =>
  listed(
    results.map((r) => r.spent),
    percent,
  );
const causesOf = (results: readonly FleetResult[]): string =>
  listed(
    results.flatMap((r) => r.causes ?? []),
    (x) => x.toFixed(4),
  );

async function fleets(progress: Progress): Promise<Figure[]> {
  const [seeds, days] = [setting('SWARM_BENCH_SEEDS', 3), setting('SWARM_BENCH_DAYS', 40)];
  const honest: Run[] = [];
  const mixed: Run[] = [];
  const alone: Run[] = [];
  const rivals = new Map<Rival, FleetResult[]>([
    ['confirmation counting', []],
    ['unweighted mean', []],
    ['no checking', []],
  ]);
  const first = setting('SWARM_BENCH_SEED', 1);
  for (let seed = first; seed < first + seeds; seed++) {
    for (const [runs, owners, what] of [
      [honest, honestFleet(), 'all honest'],
      [alone, honestAlone(), 'the honest alone'],
      [mixed, mixedFleet(), '40% dishonest'],
    ] as const) {
      const began = performance.now();
      runs.push(await swarm(owners, seed, days));
      const { result } = runs.at(-1)!;
      progress(
        `seed ${seed}, ${what}: regret ${result.regret.toFixed(4)}, ${result.promotions} promotions, ${result.falsePromotions} of them false, checks ${percent(result.checkShare)} (${spentOf([result])}); by cause ${causesOf([result])}, ${((performance.now() - began) / 1000).toFixed(0)} s`,
      );
    }
    for (const [rival, results] of rivals) {
      const world = new World(`seed ${seed}`);
      const rules = new RivalRules(rival, world, seeded(seed));
      results.push(await runFleet({ owners: mixedFleet(), seed, days, rules, world }));
    }
  }
  const regret = (results: readonly FleetResult[]): number => mean(results.map((r) => r.regret));
  const [own, clean, without] = [mixed, honest, alone].map((runs) => runs.map((r) => r.result)) as [
    FleetResult[],
    FleetResult[],
    FleetResult[],
  ];
  const wrong = (results: readonly FleetResult[]): string =>
    `${results.reduce((n, r) => n + r.falsePromotions, 0)} of ${results.reduce((n, r) => n + r.promotions, 0)} promotions were of a model no better`;
  const note = `${seeds} seeds, ${days} days, ${mixedFleet().length} owners`;
  const share = (results: readonly FleetResult[]): number => mean(results.map((r) => r.checkShare));
  return [
    figure(
      'regret_40',
      '1',
      regret(own),
      regret(clean),
      `mean gain that the served model lacks to the best there is; ${note}; ${wrong(own)}; by cause ${causesOf(own)}, of all honest ${causesOf(clean)}; reference: all honest, bar 1.10x`,
    ),
    figure(
      'regret the honest alone',
      '1',
      regret(without),
      regret(clean),
      `the ${honestAlone().length} honest owners of the same fleet without the others: what any rule leaves that learns nothing from liars; by cause ${causesOf(without)}; reference: all honest`,
    ),
    ...[...rivals].map(([rival, results]) =>
      figure(
        `regret_40 ${rival}`,
        '1',
        regret(results),
        regret(clean),
        `${wrong(results)}; reference: the swarm, all honest`,
      ),
    ),
    figure(
      'check_cost_share',
      '1',
      share(own),
      0.35,
      `of the second half of the days, when trust has settled; a check counted as a whole experiment, one that retraces the claim as two; ${spentOf(own)}; all honest ${percent(share(clean))}; reference: the bar`,
    ),
    ...attackFigures(
      mixed.map((r) => r.course),
      mixed.reduce((n, r) => n + r.refused, 0),
    ),
  ];
}

function attackFigures(courses: readonly Course[], refused: number): Figure[] {
  const newcomers = courses.map((c) => c.claimsToHalf());
  const attacks = new Map<string, Noted[]>();
  for (const course of courses)
    for (const [name, noted] of course.attacks()) attacks.set(name, [...(attacks.get(name) ?? []), noted]);
  const trusts = [...attacks].map(([name, of]) => ({
    name,
    trust: mean(of.map((n) => n.trust)),
    most: Math.max(...of.map((n) => n.trust)),
    events: mean(of.map((n) => n.events)),
  }));
  const worst = trusts.reduce((a, b) => (b.trust > a.trust ? b : a));
  return [
    figure(
      'newcomer_claims_to_half',
      '1',
      mean(newcomers),
      8,
      `verified claims until half of what settled honest owners have; ${newcomers.join(', ')}; reference: the bar`,
    ),
    figure(
      'attack_trust_max',
      '1',
      worst.trust,
      0.1,
      `${worst.name}; trust after 15 judged claims or unseen checks, or in the end with fewer, mean over seeds; ${refused} unasked verdicts refused; reference: the bar`,
    ),
    ...trusts.map((t) =>
      figure(
        `attack_trust ${t.name}`,
        '1',
        t.trust,
        0.1,
        `at most ${t.most.toFixed(2)}; ${t.events.toFixed(1)} judged claims or unseen checks`,
      ),
    ),
    figure(
      'honest_trust',
      '1',
      mean(courses.map((c) => c.honestTrust())),
      0.5,
      `median of honest explorers in the end; lowest tenth ${mean(courses.map((c) => c.honestTrust(0.1))).toFixed(2)}; reference: half`,
    ),
  ];
}
