-- How an answer was made: forecasts are computed ahead of the prompts that they answer, and with fewer paths where time is short.
-- With these columns beside seed, model, data_until and anchor, the paths of any answer can be made again to the last bit.

alter table board.answer
  -- full: as the model's manifest states it; reduced: placed from fewer simulated paths; drawn: simulated as they are, not placed.
  add column sampling text not null default 'full' check (sampling in ('full', 'reduced', 'drawn')),
  -- The start that the returns were simulated for; null: the prompt's own.
  add column forecast_start timestamptz;
comment on column board.answer.forecast_start is 'The start that the returns were simulated for, where it is not the prompt''s own.';
grant insert (sampling, forecast_start) on board.answer to swarm_miner;

-- In a live market nobody scores a miner's answers but the miner: a real validator writes no rows here. A local validator scores
-- everywhere else, so a miner may write outcomes of prompts that it answered, and only while the market is live.
grant insert (id, agent_id, prompt_id, miner, validation, crps, prompt_score, dataset_digest) on board.outcome to swarm_miner;
create policy live_only on board.outcome as restrictive for insert to swarm_miner with check (
  (select c.source from market.clock c order by c.id desc limit 1) = 'live'
  and exists (select from board.answer a where a.prompt_id = outcome.prompt_id and a.agent_id = outcome.agent_id)
);
