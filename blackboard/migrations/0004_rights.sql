-- Who may do what. Every agent logs in as a role of its own, a member of its kind's role.
-- Insert and select where the kind needs it; no update, no delete, no DDL; agent_id is the login's own.

revoke all on schema public from public;
do $$
begin
  execute format('revoke temporary on database %I from public', current_database());
end $$;
grant usage on schema board, market to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner,
  swarm_validator, swarm_feed, swarm_relay, swarm_reader;

revoke execute on all functions in schema board, market from public;

do $$
declare
  kind text;
  everyone text := 'swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator, swarm_feed, swarm_relay';
  tables text[] := array['briefing', 'decision', 'experiment', 'attempt', 'claim', 'verdict', 'pattern', 'challenger', 'prompt', 'answer',
    'outcome', 'reward', 'gate_step', 'promotion', 'llm_call', 'compute_job', 'alert'];
begin
  foreach kind in array tables loop
    execute format('alter table board.%I enable row level security', kind);
    execute format('create policy readable on board.%I for select using (true)', kind);
    execute format('create policy own_rows on board.%I for insert with check (agent_id = (select board.current_agent()))', kind);
  end loop;
  alter table board.inbox enable row level security;
  create policy own_rows on board.inbox using (consumer = (select name from board.agent where id = board.current_agent()));

  execute 'grant select on market.clock, market.series, board.constant, board.agent, board.presence, board.lease, board.trace to '
    || everyone || ', swarm_reader';
  execute 'grant execute on function market.now(), market.now_at(timestamptz), market.visible_until(), market.bars(text, int, bigint, bigint), '
    || 'board.current_agent(), board.lease_take(text, double precision), board.lease_renew(text, bigint, double precision), '
    || 'board.lease_give_back(text, bigint), board.beat(int, text, text, text) to ' || everyone;
  execute 'grant execute on function market.now(), market.now_at(timestamptz) to swarm_reader';
  execute 'grant select, insert (consumer, event_id) on board.inbox to ' || everyone;
end $$;

-- What everyone who decides reads. Whoever searches learns of the hidden windows what the ladder of trust.known_spec lets
-- through, and never a claim's salt: seen inside the claim's transaction, it could be drawn again until the checkers suit.
grant select on board.briefing, board.decision, board.experiment, board.pattern, board.promotion, board.prompt, board.answer,
  board.outcome, board.reward, board.attempt, board.alert, board.gate_step, board.llm_call, board.compute_job
  to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator, swarm_reader;
grant select on board.attempt, board.alert to swarm_feed, swarm_relay;
grant select on board.claim, board.verdict, board.challenger to swarm_checker, swarm_publisher, swarm_reader;
grant select on board.outbox to swarm_reader, swarm_relay;
grant update (published_at) on board.outbox to swarm_relay;
grant select, insert on market.bar to swarm_feed;

-- Column by column. An insert leaves out what the database itself says: the instants of a record, and a claim's salt.
do $$
declare
  one record;
  searching text := 'swarm_explorer, swarm_optimizer';
  everyone text := searching || ', swarm_checker, swarm_publisher, swarm_miner, swarm_validator, swarm_feed, swarm_relay';
begin
  for one in
    select 'insert' as what, kind, who, '{at,market_at,salt}'::name[] as hidden
    from (values ('briefing', searching), ('decision', searching), ('experiment', searching), ('pattern', searching),
      ('llm_call', searching), ('compute_job', searching), ('claim', searching), ('verdict', 'swarm_checker'),
      ('challenger', 'swarm_publisher'), ('gate_step', 'swarm_publisher'), ('promotion', 'swarm_publisher'),
      ('prompt', 'swarm_miner, swarm_validator'), ('answer', 'swarm_miner'), ('outcome', 'swarm_validator'),
      ('reward', 'swarm_validator'), ('attempt', everyone), ('alert', everyone)) as w (kind, who)
    union all
    select 'select', kind, searching || ', swarm_miner, swarm_validator', hidden::name[]
    from (values ('claim', '{salt}'), ('challenger', '{screen_t,scale,sd}'),
      ('verdict', '{hidden_from,hidden_to,dataset_digest,windows_digest,n_windows,mean_crps,yardstick_crps,champion_crps,'
        'verified_gain,verified_se,window_starts,differences,champion_t,difference_sd,seed,code_version,signature,work_id,fence}')
    ) as w (kind, hidden)
  loop
    execute format('grant %s (%s) on board.%I to %s', one.what,
      (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
        where attrelid = format('board.%I', one.kind)::regclass and attnum > 0 and not attisdropped and attname <> all (one.hidden)),
      one.kind, one.who);
  end loop;
end $$;
