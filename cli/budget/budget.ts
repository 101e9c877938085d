// What `swarm budget` does: what thinking may cost and what it has cost, for the fleet, each owner and each agent; and setting the caps.
// Promises: a cap counts from the next call on, also when it is below what was spent. Leaves to the blackboard: keeping it.
import type pg from 'pg';
import { SwarmError } from '../../blackboard/errors.js';
import { withAdmin } from '../admin.js';
import { table } from '../status/render.js';
import { databaseOf } from '../where.js';

interface Where {
  readonly home?: string;
  readonly databaseUrl?: string;
  readonly json?: boolean;
}

interface Line {
  readonly scope: 'fleet' | 'owner' | 'agent';
  readonly name: string;
  readonly per: 'day' | 'ever';
}

interface State extends Line {
  readonly cap_tokens: number;
  readonly spent_tokens: number;
  readonly held_tokens: number;
  readonly cap_usd: number;
  readonly spent_usd: number;
  readonly held_usd: number;
}

const on = (o: Where, act: (admin: pg.Client) => Promise<void>): Promise<void> =>
  withAdmin(o.databaseUrl ?? databaseOf(o.home), 'swarm budget', act);

export const showCommand = (o: Where): Promise<void> =>
  on(o, async (admin) => {
    const { rows } = await admin.query<State>(
      `select scope, subject as name, period as per, cap_tokens::float8, spent_tokens::float8, held_tokens::float8,
         cap_usd::float8, spent_usd::float8, held_usd::float8
       from board.budget_state order by array_position(array['fleet', 'owner', 'agent'], scope), subject, period`,
    );
    process.stdout.write(`${o.json ? JSON.stringify(rows) : rendered(rows)}\n`);
  });

const rendered = (rows: readonly State[]): string =>
  rows.length === 0
    ? 'no caps are set: nobody may spend'
    : table(
        ['scope', 'name', 'per', 'tokens', 'spent', 'reserved', 'USD', 'spent', 'reserved'],
        rows.map((r) => [
          r.scope,
          r.name,
          r.per,
          ...[r.cap_tokens, r.spent_tokens, r.held_tokens].map(String),
          ...[r.cap_usd, r.spent_usd, r.held_usd].map((usd) => usd.toFixed(4)),
        ]),
      );

export const setCommand = (o: Where & Line & { tokens: number; usd: number }): Promise<void> =>
  on(o, async (admin) => {
    await known(admin, o);
    await admin.query(
      `insert into board.budget (scope, subject, period, tokens, usd) values ($1, $2, $3, $4, $5)
       on conflict (scope, subject, period) do update set tokens = excluded.tokens, usd = excluded.usd`,
      [o.scope, o.name, o.per, o.tokens, o.usd],
    );
    process.stdout.write(`${o.scope} ${o.name} may spend ${o.tokens} tokens and ${o.usd} USD per ${o.per}\n`);
  });

export const unsetCommand = (o: Where & Line): Promise<void> =>
  on(o, async (admin) => {
    const { rowCount } = await admin.query(
      'delete from board.budget where (scope, subject, period) = ($1, $2, $3)',
      [o.scope, o.name, o.per],
    );
    if (rowCount === 0)
      throw new SwarmError(
        'SWARM_E_USAGE',
        `${o.scope} ${o.name} has no cap per ${o.per}`,
        '`swarm budget` lists them.',
      );
    process.stdout.write(`removed\n`);
  });

/** A cap on a name that nobody has would hold nothing back. */
async function known(admin: pg.Client, { scope, name }: Line): Promise<void> {
  if (name === '*') return;
  const { rows } = await admin.query(
    "select 1 from board.agent where case $1 when 'owner' then owner when 'agent' then name end = $2 limit 1",
    [scope, name],
  );
  if (rows.length === 0)
    throw new SwarmError(
      'SWARM_E_USAGE',
      scope === 'fleet' ? 'the fleet has no name' : `there is no ${scope} ${name}`,
      '`swarm agent list` shows who is enrolled.',
    );
}
