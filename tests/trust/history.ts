// Invented histories: rows as the blackboard would hold them, kept in memory for the recomputation and written in bulk.
// Writing skips triggers and foreign keys, since a history is older than the leases and the clock it was made under.
import { createHash } from 'node:crypto';
import type pg from 'pg';
import { uuid7 } from '../../blackboard/ids.js';
import type { AgentRow, ChallengerRow, ClaimRow, PatternRow, PromotionRow, VerdictRow } from './rows.js';
import { seeded } from './seeded.js';

export const SLOT = 'crypto_1h/BTC';
export const NOW = new Date('2025-06-01T12:00:00Z');
export const daysAgo = (days: number): Date => new Date(NOW.getTime() - days * 86_400_000);
export const digest = (text: string | number): string =>
  Buffer.from(String(text)).toString('hex').slice(-64).padStart(64, '0');

const TABLES = [
  'agent',
  'claim',
  'verdict',
  'promotion',
  'challenger',
  'gate_step',
  'pattern',
  'briefing',
  'decision',
  'experiment',
] as const;
type Rows = Record<(typeof TABLES)[number], object[]>;

export class History {
  readonly agents: AgentRow[] = [];
  readonly claims: ClaimRow[] = [];
  readonly verdicts: VerdictRow[] = [];
  readonly promotions: PromotionRow[] = [];
  readonly challengers: ChallengerRow[] = [];
  readonly patterns: PatternRow[] = [];
  readonly steps = new Map<string, number[]>();
  readonly #rows = Object.fromEntries(TABLES.map((table) => [table, []])) as unknown as Rows;

  agent(owner: string, role: string, name = `${role}-of-${owner}-${this.agents.length}`): AgentRow {
    const row = { id: uuid7(), owner, role, name };
    this.agents.push(row);
    this.#rows.agent.push({
      ...row,
      login: `l${row.id.replaceAll('-', '')}`,
      public_key: 'k',
      ...stamps(daysAgo(100)),
    });
    return row;
  }

  claim(by: AgentRow, some: Partial<ClaimRow> = {}): ClaimRow {
    const n = this.claims.length;
    const market_at = some.market_at ?? daysAgo(1);
    const row: ClaimRow = {
      id: uuid7(),
      agent_id: by.id,
      slot: SLOT,
      spec: { family: 'garch' },
      spec_digest: digest(`s${n}`),
      artifact: digest(`a${n}`),
      claimed_gain: 0.05,
      claimed_se: 0.01,
      as_of: market_at,
      market_at,
      salt: uuid7(),
      experiment_id: uuid7(),
      ...some,
    };
    this.claims.push(row);
    this.#rows.claim.push({
      ...row,
      family: String(row.spec['family']),
      data_cutoff: daysAgo(200),
      ...measured,
      n_windows: 60,
      mean_crps: 1,
      signature: 's',
      ...held,
      ...stamps(market_at),
    });
    return row;
  }

  verdict(by: AgentRow, claim: ClaimRow, some: Partial<VerdictRow> = {}): VerdictRow {
    const market_at = some.market_at ?? claim.market_at;
    const refused = some.finding === 'refused';
    const scored = <T>(value: T): T | null => (refused ? null : value);
    const row: VerdictRow = {
      id: uuid7(),
      agent_id: by.id,
      claim_id: claim.id,
      finding: 'scored',
      reign: 0,
      verified_gain: scored(0.05),
      verified_se: scored(0.01),
      champion_t: scored(0),
      champion_crps: scored(1),
      difference_sd: scored(0.02),
      market_at,
      at: market_at,
      ...some,
    };
    this.verdicts.push(row);
    this.#rows.verdict.push({
      ...row,
      reason: refused ? 'refused' : '',
      champion: digest('champion'),
      hidden_from: daysAgo(30),
      hidden_to: NOW,
      ...measured,
      windows_digest: scored(windowsOf(claim.market_at)),
      n_windows: scored(60),
      mean_crps: scored(1 + luckOf(claim.artifact)[0]!),
      yardstick_crps: scored(1.1),
      window_starts: scored(Array.from({ length: 60 }, (_, i) => i)),
      // Of each artifact its own: two that do the same are one.
      differences: scored(luckOf(claim.artifact)),
      signature: 's',
      ...held,
      ...stamps(market_at),
      at: row.at,
    });
    return row;
  }

  promotion(by: AgentRow, some: Partial<PromotionRow> = {}): PromotionRow {
    const row: PromotionRow = {
      id: uuid7(),
      agent_id: by.id,
      kind: 'found',
      slot: SLOT,
      reign: 0,
      artifact: digest('champion'),
      challenger_id: null,
      market_at: daysAgo(90),
      ...some,
    };
    const founding = row.kind === 'found';
    this.promotions.push(row);
    this.#rows.promotion.push({
      ...row,
      family: 'reference',
      signature: 's',
      ...held,
      ...stamps(row.market_at),
      ...(founding
        ? {}
        : {
            previous: digest('old'),
            challenger_id: row.challenger_id ?? uuid7(),
            e_value: 40,
            threshold: 33,
            windows: 60,
          }),
    });
    return row;
  }

  /** A challenger with its steps: one x per window of an hour. */
  challenger(
    by: AgentRow,
    xs: readonly number[],
    { gains, ...some }: Partial<ChallengerRow> & { readonly gains?: readonly number[] } = {},
  ): ChallengerRow {
    const row: ChallengerRow = {
      id: uuid7(),
      kind: 'challenge',
      slot: SLOT,
      reign: 0,
      k: this.challengers.length + 1,
      artifact: digest(`c${this.challengers.length}`),
      alpha: 0.05,
      ...some,
    };
    this.challengers.push(row);
    this.steps.set(row.id, [...xs]);
    this.#rows.challenger.push({
      ...row,
      agent_id: by.id,
      trials: 1,
      screen_t: 2,
      screen_threshold: 1,
      scale: 1,
      sd: 0.02,
      // As the database fills it in, with its constants.
      unseen: row.kind === 'challenge' ? 5 / 3 : 0,
      ...held,
      ...stamps(daysAgo(30)),
    });
    for (const [i, x] of xs.entries())
      this.#rows.gate_step.push({
        id: uuid7(),
        agent_id: by.id,
        challenger_id: row.id,
        prompt_id: uuid7(),
        start_at: new Date(daysAgo(30).getTime() + i * 3_600_000),
        champion_crps: 1,
        challenger_crps: 1 - (gains?.[i] ?? 0),
        x,
        seed: 's',
        ...held,
        ...stamps(daysAgo(30)),
      });
    return row;
  }

  pattern(by: AgentRow, some: Partial<PatternRow>): PatternRow {
    const row = {
      id: uuid7(),
      agent_id: by.id,
      slot: SLOT,
      family: null,
      knob: null,
      low: null,
      high: null,
      ...some,
    };
    this.patterns.push(row);
    const at = some.market_at ?? daysAgo(1);
    this.#rows.pattern.push({ ...row, direction: 1, effect: 0.1, note: '', ...stamps(at) });
    return row;
  }

  /** What an experiment of a claim's spec says that it gained on public windows. */
  experiment(by: AgentRow, { slot, spec, spec_digest, artifact, as_of }: ClaimRow, gain: number): void {
    this.#rows.experiment.push({
      id: uuid7(),
      agent_id: by.id,
      decision_id: uuid7(),
      slot,
      family: String(spec['family']),
      spec,
      spec_digest,
      artifact,
      as_of,
      data_cutoff: daysAgo(200),
      ...measured,
      n_windows: 60,
      mean_crps: 1,
      yardstick_crps: 1.1,
      gain,
      se: 0.01,
      cost_ms: 1,
      ...held,
      ...stamps(as_of),
    });
  }

  /** Any other row. */
  add(table: (typeof TABLES)[number], row: object): void {
    this.#rows[table].push(row);
  }

  /** Every row with its table, in an order in which what is named comes first. */
  rows(): { table: string; row: object }[] {
    return TABLES.flatMap((table) => this.#rows[table].map((row) => ({ table, row })));
  }

  /** Appends everything to the tables, in this order or, to show that order does not matter, in reverse. */
  async write(admin: pg.Client, order: 'as made' | 'reversed' = 'as made'): Promise<void> {
    await admin.query('set session_replication_role = replica');
    for (const table of TABLES) {
      const rows = order === 'reversed' ? [...this.#rows[table]].reverse() : this.#rows[table];
      for (let from = 0; from < rows.length; from += 2000)
        await admin.query(
          `insert into board.${table} select * from jsonb_populate_recordset(null::board.${table}, $1::jsonb)`,
          [JSON.stringify(rows.slice(from, from + 2000))],
        );
    }
    await admin.query('reset session_replication_role');
    await derive(admin);
  }
}

/** The hidden windows of a claim: those of its day. */
export const windowsOf = (claimed_at: Date): string => digest(`w ${Math.floor(+claimed_at / 86_400_000)}`);
/** Differences of an artifact from the champion: they follow from its digest. */
export const luckOf = (artifact: string): number[] => {
  const u = seeded(Number.parseInt(createHash('sha256').update(artifact).digest('hex').slice(0, 8), 16));
  return Array.from({ length: 60 }, () => u() - 0.5);
};
export const measured = {
  dataset_digest: digest('d'),
  windows_digest: digest('w'),
  seed: 's',
  code_version: 'v',
};
export const held = { work_id: 'w', fence: 0 };
export const stamps = (market_at: Date): object => ({ at: market_at, market_at });

/** Empties the history of a test database, which no program of ours can do. */
export async function forget(admin: pg.Client): Promise<void> {
  await admin.query('set session_replication_role = replica');
  for (const table of [...TABLES, 'presence']) await admin.query(`delete from board.${table}`);
  await admin.query('reset session_replication_role');
  await derive(admin);
}

/** What the triggers would have kept while the history was made, and every pattern weighed. */
const derive = (admin: pg.Client): Promise<unknown> =>
  admin.query(`select trust.rebuild(); select trust.weigh('infinity')`);
