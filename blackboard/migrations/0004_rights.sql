-- Who may do what. Every agent logs in as a role of its own, a member of its kind's role.
-- Insert and select where the kind needs it; no update, no delete, no DDL; agent_id is the login's own.

revoke all on schema public from public;
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

  execute 'grant select on market.clock, market.series, board.constant, board.agent, board.presence, board.lease, board.trace to '
    || everyone || ', swarm_reader';
  execute 'grant execute on function market.now(), market.now_at(timestamptz), market.visible_until(), market.bars(text, int, bigint, bigint), '
    || 'board.current_agent(), board.lease_take(text, double precision), board.lease_renew(text, bigint, double precision), '
    || 'board.lease_give_back(text, bigint), board.beat(int, text, text, text) to ' || everyone;
  execute 'grant execute on function market.now(), market.now_at(timestamptz) to swarm_reader';
  execute 'grant insert, select on board.attempt, board.alert to ' || everyone;
  execute 'grant select, insert on board.inbox to ' || everyone;
end $$;

-- What everyone who decides reads. Verdicts' per-window numbers and hidden windows are not among it for those who search.
grant select on board.briefing, board.decision, board.experiment, board.claim, board.pattern, board.challenger, board.promotion,
  board.prompt, board.answer, board.outcome, board.reward, board.attempt, board.alert, board.gate_step, board.llm_call, board.compute_job
  to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator, swarm_reader;
grant select on board.verdict to swarm_checker, swarm_publisher, swarm_reader;
grant select (id, agent_id, at, market_at, claim_id, finding, reason, reign, champion) on board.verdict
  to swarm_explorer, swarm_optimizer, swarm_miner, swarm_validator;
grant select on board.outbox to swarm_reader, swarm_relay;

grant insert on board.briefing, board.decision, board.experiment, board.pattern, board.llm_call, board.compute_job
  to swarm_explorer, swarm_optimizer;
-- Without a right to the salt column, a claimant cannot choose who checks it.
grant insert (id, agent_id, experiment_id, slot, artifact, family, spec, spec_digest, as_of, data_cutoff, dataset_digest, windows_digest,
  n_windows, seed, code_version, mean_crps, claimed_gain, claimed_se, signature, work_id, fence) on board.claim to swarm_explorer, swarm_optimizer;
grant insert on board.verdict to swarm_checker;
grant insert on board.challenger, board.gate_step, board.promotion to swarm_publisher;
grant insert on board.prompt to swarm_miner, swarm_validator;
grant insert on board.answer to swarm_miner;
grant insert on board.outcome, board.reward to swarm_validator;
grant update (published_at) on board.outbox to swarm_relay;
grant select, insert on market.bar to swarm_feed;
