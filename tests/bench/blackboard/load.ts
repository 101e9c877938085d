// The history of a swarm that has run for half a year: a million claims with their experiments and decisions, three verdicts each,
// a hundred thousand patterns, and what the miner served. Columns as agents fill them; triggers disabled by the administrator.
import type pg from 'pg';
import { hex, NOW, SLOTS } from './ground.js';

export interface Size {
  readonly claims: number;
  readonly patterns: number;
}

const OWNERS = 100;
const EXPLORERS = 1000;
const CHECKERS = 30;
const DAYS = 180;
/** Of so many claims the newest one waits for its checks; those are by newcomers, whom no budget of hidden windows stops. */
const UNJUDGED = 1000;
const NEWCOMERS = 10;
const JUDGED = `($1::int - $1::int / ${UNJUDGED})`;
const AUTHOR = `md5('explorer' || case when i > ${JUDGED} then ${EXPLORERS} + i % ${NEWCOMERS} else i % ${EXPLORERS} end)::uuid`;
const at = (part: string): string => `timestamptz '${NOW}' - ${part} * interval '${DAYS} days'`;
/** Of row i: spread over the half year, newest last. */
const WHEN = at('(1 - i / $1::float8)');
/** A number in [0, 1) of row i that is not its place. */
const chance = (salt: string): string =>
  `(abs(hashtextextended('${salt}', i)) % 1000003) / 1000003.0::float8`;
const TRUTH = `(0.1 * (${chance('truth')} - 0.6))`;
const SLOT = `($2::text[])[1 + i % ${SLOTS.length}]`;

/** Id of row i of a kind: the time first, as in every id of ours. */
const id = (kind: string, i = 'i', when = WHEN): string =>
  `(lpad(to_hex((extract(epoch from ${when}) * 1000)::bigint), 12, '0') || '7' || substr(md5('${kind}' || ${i}), 1, 3) || '8' || substr(md5('${kind}' || ${i}), 4, 15))::uuid`;

const SPEC = `jsonb_build_object('family', (array['garch', 'garch_t', 'har', 'ewma_t'])[1 + i % 4], 'horizon_s', 86400, 'gjr', i % 2 = 0,
  'history_bars', 200 + i % 700, 'scale', 'fit', 'nu', 3 + 12 * ${chance('nu')}, 'omega', ${chance('omega')})`;
const DIGEST = (kind: string): string => `md5('${kind}' || i) || md5('${kind}' || i || 'x')`;

const STEPS: readonly (readonly [string, string])[] = [
  [
    'agents',
    `insert into board.agent (id, owner, role, name, login, public_key, market_at)
     select md5(role || i)::uuid, case role when 'checker' then 'check-' || i else 'owner-' || case when i < ${EXPLORERS} then i % ${OWNERS} else i end end, role, role || '-' || i, 'b_' || role || i, 'k', ${at('1')}
     from (select 'explorer' as role, i from generate_series(0, ${EXPLORERS + NEWCOMERS - 1}) i union all select 'checker', i from generate_series(0, ${CHECKERS - 1}) i
       union all select 'publisher', 0 union all select 'miner', 0 union all select 'validator', 0) a where $1::float8 > 0 and $2::text[] is not null`,
  ],
  [
    'promotions',
    `insert into board.promotion (id, agent_id, at, market_at, kind, slot, reign, artifact, family, previous, challenger_id, e_value, threshold, windows, signature, work_id, fence)
     select gen_random_uuid(), md5('publisher0')::uuid, ${at('(1 - reign / 10.0)')}, ${at('(1 - reign / 10.0)')}, case reign when 0 then 'found' else 'promote' end, slot, reign,
       md5('p' || slot || reign) || md5('q'), 'garch_t', case when reign > 0 then md5('p' || slot || reign - 1) || md5('q') end,
       case when reign > 0 then gen_random_uuid() end, case when reign > 0 then 40 end, case when reign > 0 then 33 end, case when reign > 0 then 70 end,
       encode(decode(repeat(md5(slot || reign), 4), 'hex'), 'base64'), 'gate:' || slot, reign
     from unnest($2::text[]) slot, generate_series(0, 9) reign where $1::float8 > 0`,
  ],
  [
    'decisions',
    `insert into board.decision (id, agent_id, at, market_at, briefing_id, slot, strategist, move, parent_digests, spec, spec_digest, seed, reason)
     select ${id('decision')}, ${AUTHOR}, ${WHEN}, ${WHEN}, ${id('briefing')}, ${SLOT}, 'thompson', 'mutate',
       array[md5('spec' || i / 3) || md5('spec' || i / 3 || 'x')], ${SPEC}, ${DIGEST('spec')}, 'seed:' || i, 'nu is worth another look' from generate_series(1, $1::int) i`,
  ],
  [
    'experiments',
    `insert into board.experiment (id, agent_id, at, market_at, decision_id, slot, family, spec, spec_digest, as_of, data_cutoff, dataset_digest, windows_digest, n_windows,
       seed, code_version, artifact, mean_crps, yardstick_crps, gain, se, cost_ms, work_id, fence)
     select ${id('experiment')}, ${AUTHOR}, ${WHEN}, ${WHEN}, ${id('decision')}, ${SLOT}, 'garch_t', ${SPEC}, ${DIGEST('spec')}, date_trunc('day', ${WHEN}),
       ${WHEN} - interval '62 days', '${hex('d')}', ${DIGEST('w')}, 60, 'seed:' || i, '0.1.0', ${DIGEST('art')}, 1.25, 1.3, ${TRUTH}, 0.01, 900, 'experiment:' || i, i from generate_series(1, $1::int) i`,
  ],
  [
    'claims',
    `insert into board.claim (id, agent_id, at, market_at, experiment_id, slot, artifact, family, spec, spec_digest, as_of, data_cutoff, dataset_digest, windows_digest, n_windows,
       seed, code_version, mean_crps, claimed_gain, claimed_se, signature, work_id, fence)
     select ${id('claim')}, ${AUTHOR}, ${WHEN}, ${WHEN}, ${id('experiment')}, ${SLOT}, ${DIGEST('art')}, 'garch_t', ${SPEC}, ${DIGEST('spec')}, date_trunc('day', ${WHEN}),
       ${WHEN} - interval '62 days', '${hex('d')}', ${DIGEST('w')}, 60, 'seed:' || i, '0.1.0', 1.25, ${TRUTH} + case when i % ${OWNERS} < 5 then 0.1 else 0.01 end, 0.015,
       translate(encode(decode(${DIGEST('sig')} || ${DIGEST('sag')}, 'hex'), 'base64'), E'\\n', ''), 'experiment:' || i, i from generate_series(1, $1::int) i`,
  ],
  [
    'verdicts',
    `insert into board.verdict (id, agent_id, at, market_at, claim_id, finding, reign, champion, hidden_from, hidden_to, dataset_digest, windows_digest, n_windows, mean_crps, yardstick_crps,
       champion_crps, verified_gain, verified_se, window_starts, differences, champion_t, difference_sd, seed, code_version, signature, work_id, fence)
     select ${id('verdict', "(i || '.' || k)")}, md5('checker' || (i + k) % ${CHECKERS})::uuid, ${WHEN}, ${WHEN}, ${id('claim')}, 'scored', least(9, floor(10.0 * i / $1)::int),
       md5('p' || ${SLOT} || least(9, floor(10.0 * i / $1)::int)) || md5('q'), ${WHEN} - interval '31 days', ${WHEN} - interval '1 day', '${hex('d')}', ${DIGEST('h')}, 60, 1.2, 1.3, 1.25,
       ${TRUTH} + k / 10000.0, 0.01, w.starts, w.differences, 4 * ${chance('t')} - 3, 0.02, ${SLOT}, '0.1.0',
       translate(encode(decode(repeat(md5(i || '.' || k), 4), 'hex'), 'base64'), E'\\n', ''), 'check:' || i, i
     from generate_series(1, ${JUDGED}) i, generate_series(0, 2) k,
       (select array_agg(1700000000 + n * 43200) as starts, array_agg(sin(n::float8)) as differences from generate_series(1, 60) n) w`,
  ],
  [
    'patterns',
    `insert into board.pattern (id, agent_id, at, market_at, slot, family, knob, low, high, direction, effect, note)
     select ${id('pattern')}, md5('explorer' || i % ${EXPLORERS})::uuid, ${WHEN}, ${WHEN}, case when i % 10 > 0 then ($2::text[])[1 + i % ${SLOTS.length}] end,
       (array['garch', 'garch_t', 'har', 'ewma_t', null])[1 + i % 5], 'nu', 12 * ${chance('low')}, 12 * ${chance('low')} + 3, 1, 0.01, 'heavier tails' from generate_series(1, $1::int) i`,
  ],
  [
    'prompts',
    `insert into board.prompt (id, agent_id, at, market_at, validator, slot, competition, asset, start_at, length_s, increment_s, num_simulations)
     select ${id('prompt')}, md5('validator0')::uuid, ${WHEN}, ${WHEN}, 'v', ${SLOT}, split_part(${SLOT}, '/', 1), split_part(${SLOT}, '/', 2), ${WHEN}, 86400, 300, 1000 from generate_series(1, $1::int) i`,
  ],
  [
    'answers',
    `insert into board.answer (id, agent_id, at, market_at, prompt_id, status, rank, artifact, seed, data_until, anchor, paths_digest, latency_ms)
     select ${id('answer')}, md5('miner0')::uuid, ${WHEN}, ${WHEN}, ${id('prompt')}, 'answered', 'champion', md5('p' || ${SLOT} || least(9, floor(10.0 * i / $1)::int)) || md5('q'),
       's', ${WHEN}, 60000, ${DIGEST('paths')}, 20 from generate_series(1, $1::int) i`,
  ],
  [
    'outcomes',
    `insert into board.outcome (id, agent_id, at, market_at, prompt_id, miner, validation, crps, prompt_score, dataset_digest)
     select ${id('outcome', '(m || i)')}, md5('validator0')::uuid, ${WHEN}, ${WHEN}, ${id('prompt')}, m, 'CORRECT', 2 + ${chance('crps')}, 0, '${hex('d')}'
     from generate_series(1, $1::int) i, unnest(array['swarm', 'reference']) m where $2::text[] is not null`,
  ],
  [
    'rewards',
    `insert into board.reward (id, agent_id, at, market_at, competition, asset, miner, prompts, smoothed, share)
     select ${id('reward', '(m || i || (a is null))')}, md5('validator0')::uuid, ${WHEN}, ${WHEN}, split_part(${SLOT}, '/', 1), a, m, 5, 0.1, 0.1
     from generate_series(1, $1::int) i, unnest(array['swarm', 'reference', 'ewma', 'garch']) m, unnest(array[null, split_part(($2::text[])[1 + i % ${SLOTS.length}], '/', 2)]) a`,
  ],
];

/** Prompts in half a year: one for each slot every ten minutes would be 260,000. */
const PROMPT_SHARE = 0.1;
const REWARD_SHARE = 0.01;

export async function load(admin: pg.Client, size: Size, progress: (line: string) => void): Promise<void> {
  await admin.query('set session_replication_role = replica');
  for (const [what, text] of STEPS) {
    const began = performance.now();
    const rows =
      what === 'patterns'
        ? size.patterns
        : ['prompts', 'answers', 'outcomes'].includes(what)
          ? Math.ceil(size.claims * PROMPT_SHARE)
          : what === 'rewards'
            ? Math.ceil(size.claims * REWARD_SHARE)
            : size.claims;
    const { rowCount } = await admin.query(text, [rows, SLOTS]);
    progress(`${what}: ${rowCount} rows in ${((performance.now() - began) / 1000).toFixed(1)} s`);
  }
  await admin.query('reset session_replication_role');
}
