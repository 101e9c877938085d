-- The records: one append-only table per kind. What happened is a row, and stays.
--
-- Common columns: id (uuid v7, made by the writer), agent_id, at (wall time), market_at (market time).
-- Rows are inserted under the writer's own login; row-level security ties agent_id to it (0004_rights.sql).
-- Results carry the fencing token of the lease they were made under (0003_flow.sql refuses stale ones).

create domain board.sha256 as text check (value ~ '^[0-9a-f]{64}$');
create domain board.slot as text check (value ~ '^[a-z0-9_]{1,24}/[A-Z0-9]{1,16}$');
create domain board.short_text as text check (length(value) <= 2000);
-- Far from the limits of its type, where a square overflows or underflows: one such row would end every view that sums it.
create domain board.finite as double precision check (value = 0 or abs(value) between 1e-100 and 1e12);

create table board.agent (
  id uuid primary key,
  owner text not null check (owner ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  role text not null check (role in ('explorer', 'optimizer', 'checker', 'publisher', 'miner', 'validator', 'feed', 'relay')),
  name text not null check (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
  login name not null unique,
  public_key text not null,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  unique (name)
);

create function board.current_agent() returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select id from board.agent where login = session_user
$$;

create table board.briefing (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  slot board.slot not null,
  seed text not null,
  items jsonb not null check (jsonb_typeof(items) = 'array')
);
comment on column board.briefing.items is 'what was told: [{kind, id, probability, weight, uniform}]';

create table board.decision (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  briefing_id uuid not null references board.briefing,
  slot board.slot not null,
  strategist text not null,
  move text not null,
  parent_digests board.sha256[] not null,
  spec jsonb not null,
  spec_digest board.sha256 not null,
  seed text not null,
  reason board.short_text not null
);
create index decision_by_parent on board.decision using gin (parent_digests);
create index decision_by_agent on board.decision (agent_id);

create table board.experiment (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  decision_id uuid not null references board.decision,
  slot board.slot not null,
  family text not null,
  spec jsonb not null,
  spec_digest board.sha256 not null,
  as_of timestamptz not null,
  data_cutoff timestamptz not null,
  dataset_digest board.sha256 not null,
  windows_digest board.sha256 not null,
  n_windows int not null check (n_windows >= 2),
  seed text not null,
  code_version text not null,
  artifact board.sha256 not null,
  mean_crps board.finite not null check (mean_crps >= 0),
  yardstick_crps board.finite not null check (yardstick_crps > 0),
  gain board.finite not null,
  se board.finite not null check (se >= 0),
  cost_ms int not null check (cost_ms >= 0),
  work_id text not null,
  fence bigint not null
);
create index experiment_by_spec on board.experiment (slot, spec_digest, as_of);
create index experiment_by_agent on board.experiment (agent_id, at desc);

create table board.attempt (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  decision_id uuid references board.decision,
  claim_id uuid,
  slot board.slot,
  stage text not null check (stage in ('novelty', 'lease', 'data', 'fit', 'score', 'artifact', 'record', 'check', 'gate', 'answer')),
  code text not null,
  reason board.short_text not null,
  cost_ms int not null check (cost_ms >= 0)
);
comment on table board.attempt is 'What failed, where, why, and what it cost.';

create table board.claim (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  experiment_id uuid not null unique references board.experiment,
  slot board.slot not null,
  artifact board.sha256 not null,
  family text not null,
  spec jsonb not null,
  spec_digest board.sha256 not null,
  as_of timestamptz not null,
  data_cutoff timestamptz not null,
  dataset_digest board.sha256 not null,
  windows_digest board.sha256 not null,
  n_windows int not null check (n_windows >= 2),
  seed text not null,
  code_version text not null,
  mean_crps board.finite not null check (mean_crps >= 0),
  claimed_gain board.finite not null check (claimed_gain < 1),
  claimed_se board.finite not null check (claimed_se >= 0),
  signature text not null,
  -- Unknown to the claimant when it signs (0003_flow.sql): decides who checks and whether an audit happens.
  salt uuid not null default gen_random_uuid(),
  work_id text not null,
  fence bigint not null,
  check (data_cutoff < as_of)
);
create index claim_by_slot on board.claim (slot, at);
create index claim_by_artifact on board.claim (artifact);

create table board.verdict (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  claim_id uuid not null references board.claim,
  finding text not null check (finding in ('scored', 'refused')),
  reason board.short_text not null default '',
  reign int not null check (reign >= 0),
  champion board.sha256 not null,
  hidden_from timestamptz not null,
  hidden_to timestamptz not null,
  dataset_digest board.sha256 not null,
  windows_digest board.sha256,
  n_windows int,
  mean_crps board.finite,
  yardstick_crps board.finite,
  champion_crps board.finite,
  verified_gain board.finite,
  verified_se board.finite check (verified_se >= 0),
  window_starts bigint[],
  differences double precision[],
  champion_t board.finite,
  difference_sd board.finite,
  seed text not null,
  code_version text not null,
  signature text not null,
  work_id text not null,
  fence bigint not null,
  unique (claim_id, agent_id, reign),
  check (finding = 'refused' or num_nulls(windows_digest, n_windows, mean_crps, yardstick_crps, champion_crps,
    verified_gain, verified_se, window_starts, differences, champion_t, difference_sd) = 0),
  check (finding = 'scored' or length(reason) > 0),
  check (finding = 'refused' or (cardinality(differences) = n_windows and cardinality(window_starts) = n_windows))
);
comment on column board.verdict.differences is 'CRPS(champion) - CRPS(artifact) per hidden window, common noise';

create table board.pattern (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  slot board.slot,
  family text,
  knob text check (knob ~ '^[a-z_]{1,40}$'),
  low double precision,
  high double precision,
  direction smallint not null check (direction in (-1, 1)),
  effect board.finite not null,
  note board.short_text not null default '',
  check (family is not null or knob is not null),
  check ((knob is null) = (low is null) and (knob is null) = (high is null))
);
comment on table board.pattern is 'A typed predicate over specs with the effect that its author says it has; believed for what verdicts show, never for being said.';

create table board.challenger (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  kind text not null check (kind in ('challenge', 'rollback')),
  slot board.slot not null,
  reign int not null check (reign >= 0),
  k int not null check (k >= 1),
  claim_id uuid references board.claim,
  artifact board.sha256 not null,
  trials int not null check (trials >= 1),
  screen_t board.finite not null,
  screen_threshold board.finite not null,
  scale board.finite not null check (scale > 0),
  sd board.finite not null check (sd > 0),
  alpha board.finite not null check (alpha > 0 and alpha < 1),
  work_id text not null,
  fence bigint not null,
  unique (slot, reign, kind, k),
  unique (slot, reign, artifact)
);
comment on column board.challenger.scale is 'mean CRPS of the champion on the screen''s windows; sd: of the differences as a share of it';

create table board.prompt (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  validator text not null,
  slot board.slot not null,
  competition text not null,
  asset text not null,
  start_at timestamptz not null,
  length_s int not null check (length_s > 0),
  increment_s int not null check (increment_s > 0),
  num_simulations int not null check (num_simulations > 0),
  unique (validator, asset, start_at, length_s)
);
create index prompt_by_slot on board.prompt (slot, start_at);

create table board.answer (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  prompt_id uuid not null references board.prompt,
  status text not null check (status in ('answered', 'failed')),
  rank text not null check (rank in ('champion', 'previous', 'reference', 'none')),
  artifact board.sha256,
  seed text not null,
  data_until timestamptz not null,
  anchor board.finite,
  paths_digest board.sha256,
  latency_ms double precision not null,
  reason board.short_text not null default '',
  unique (prompt_id, agent_id),
  check (status = 'failed' or num_nulls(artifact, anchor, paths_digest) = 0)
);

create table board.outcome (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  prompt_id uuid not null references board.prompt,
  miner text not null,
  validation board.short_text not null,
  crps double precision not null,
  prompt_score double precision,
  dataset_digest board.sha256 not null,
  unique (prompt_id, miner)
);
comment on table board.outcome is 'What a validator made of one miner''s answer to one prompt. crps -1: invalid, by the subnet''s rule. prompt_score null: not in the field (the oracle of a simulated market).';

create table board.reward (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  competition text not null,
  asset text,
  miner text not null,
  prompts int not null check (prompts >= 0),
  smoothed double precision not null,
  share board.finite not null check (share between 0 and 1)
);
comment on table board.reward is 'Emission share by the subnet''s rule: asset null = the competition as it pays; an asset = what that slot alone would pay.';
create index reward_latest on board.reward (competition, asset, miner, id desc);

create table board.gate_step (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  challenger_id uuid not null references board.challenger,
  prompt_id uuid not null references board.prompt,
  start_at timestamptz not null,
  champion_crps board.finite not null,
  challenger_crps board.finite not null,
  x board.finite not null check (x between -1 and 1),
  seed text not null,
  work_id text not null,
  fence bigint not null,
  unique (challenger_id, start_at)
);

create table board.promotion (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  kind text not null check (kind in ('found', 'promote', 'rollback')),
  slot board.slot not null,
  reign int not null check (reign >= 0),
  artifact board.sha256 not null,
  family text not null,
  previous board.sha256,
  challenger_id uuid unique references board.challenger,
  -- Not board.finite: sixty clear windows make an e-value beyond 1e12.
  e_value double precision check (e_value > 0 and e_value < 'infinity'),
  threshold double precision check (threshold >= 1 and threshold < 'infinity'),
  windows int,
  signature text not null,
  work_id text not null,
  fence bigint not null,
  unique (slot, reign),
  check ((kind = 'found') = (reign = 0)),
  check (kind = 'found' or num_nulls(previous, challenger_id, e_value, threshold, windows) = 0),
  check (kind = 'found' or e_value >= threshold)
);

create table board.llm_call (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  decision_id uuid references board.decision,
  model text not null,
  task text not null,
  tokens_in int not null check (tokens_in >= 0),
  tokens_out int not null check (tokens_out >= 0),
  cost_usd numeric not null check (cost_usd >= 0),
  latency_ms int not null,
  status text not null,
  transcript board.sha256
);

create table board.compute_job (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  decision_id uuid references board.decision,
  backend text not null,
  request jsonb not null,
  status text not null check (status in ('submitted', 'finished', 'failed', 'reaped')),
  cost_usd numeric not null check (cost_usd >= 0),
  manifest board.sha256
);

create table board.alert (
  id uuid primary key,
  agent_id uuid not null references board.agent,
  at timestamptz not null default clock_timestamp(),
  market_at timestamptz not null default market.now(),
  severity text not null check (severity in ('info', 'warning', 'error')),
  code text not null,
  message board.short_text not null
);

do $$
declare
  kind text;
begin
  foreach kind in array array['agent', 'briefing', 'decision', 'experiment', 'attempt', 'claim', 'verdict', 'pattern', 'challenger',
    'prompt', 'answer', 'outcome', 'reward', 'gate_step', 'promotion', 'llm_call', 'compute_job', 'alert'] loop
    execute format('create trigger append_only before update or delete or truncate on board.%I
      for each statement execute function board.refuse_change()', kind);
  end loop;
end $$;

-- One stream over every record kind, newest last.
do $$
declare
  parts text[] := '{}';
  kind text;
begin
  foreach kind in array array['agent', 'briefing', 'decision', 'experiment', 'attempt', 'claim', 'verdict', 'pattern', 'challenger',
    'prompt', 'answer', 'outcome', 'reward', 'gate_step', 'promotion', 'llm_call', 'compute_job', 'alert'] loop
    parts := parts || format('select %L::text as kind, id, %s as agent_id, at, market_at from board.%I',
      kind, case when kind = 'agent' then 'id' else 'agent_id' end, kind);
  end loop;
  execute 'create view board.trace as ' || array_to_string(parts, ' union all ');
end $$;
