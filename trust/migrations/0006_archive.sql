-- Counts go on over what was archived: a rebuild from the records alone adds what the archive took.

alter function trust.rebuild() rename to rebuild_from_tables;

create function trust.rebuild() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform trust.rebuild_from_tables();
  insert into trust.count as c
  select name, key, n from board.archived where (name in ('experiment', 'attempt') and key = '') or name = 'child'
  on conflict (name, key) do update set n = c.n + excluded.n;
end $$;
revoke execute on function trust.rebuild() from public;

-- The read API tells what it is.
do $$
declare
  one record;
begin
  for one in
    select * from (values
      ('agents', null, 'Every enrolled agent: whether it lives, what it does, and how far its owner is trusted.'),
      ('agents', 'id', 'of board.agent'),
      ('agents', 'name', 'unique in the swarm'),
      ('agents', 'role', 'explorer, optimizer, checker, publisher, miner, validator, feed or relay'),
      ('agents', 'owner', 'whose key signed its enrolment'),
      ('agents', 'trust', 'of its owner, for what its role is judged by; null where that is nothing'),
      ('agents', 'heartbeat_age_s', 'seconds since it said that it lives, by the clock of the database; null: never'),
      ('agents', 'state', 'what it said that it does'),
      ('agents', 'lease', 'the piece of work it said that it holds'),
      ('agents', 'pid', 'process id on its own machine'),
      ('owners', null, 'Trust of every owner, a row for each kind of work it is judged by.'),
      ('owners', 'owner', 'name of the owner'),
      ('owners', 'kind', 'claims, checks or promotions'),
      ('owners', 'trust', 'lower bound of the share of honest events, 0 to 1'),
      ('owners', 'shrink', 'what is left of a claimed gain when it is checked; null before the first check'),
      ('owners', 'audit_probability', 'how likely a routine claim of this owner is checked, 0 to 1'),
      ('owners', 'claims', 'claims made; 0 for other kinds'),
      ('owners', 'verified', 'events that count for or against the owner'),
      ('owners', 'over_claims', 'events that count against it'),
      ('counts', null, 'One row of totals since the beginning, over what is in the tables and what was archived.'),
      ('counts', 'experiments', 'fits that were scored on public windows'),
      ('counts', 'attempts_failed', 'what failed'),
      ('counts', 'claims', 'claims made'),
      ('counts', 'verdicts', 'verdicts on claims'),
      ('counts', 'promotions', 'reigns won through the gate'),
      ('counts', 'rollbacks', 'reigns taken back'),
      ('counts', 'prompts_answered', 'prompts the miner answered'),
      ('counts', 'prompts_scored', 'answers of ours that a validator scored'),
      ('counts', 'invalid_answers', 'answers of ours that a validator refused'),
      ('outbox', null, 'One row: events that wait for the relay.'),
      ('outbox', 'undelivered', 'how many'),
      ('outbox', 'oldest_s', 'seconds the oldest has waited; 0 when none waits'),
      ('clock', null, 'The market: one row, or none before a market was opened.'),
      ('clock', 'source', 'replay, simulated or live'),
      ('clock', 'dataset_digest', 'sha256 of the bars'),
      ('clock', 'seed', 'of the simulated market, and of decisions'),
      ('clock', 'profile', 'dated state of the rules of the subnet'),
      ('clock', 'slots', 'slots the swarm works on'),
      ('clock', 'speed', 'market seconds per second; 0: held'),
      ('clock', 'data_from', 'first bar'),
      ('clock', 'data_to', 'where a replay ends; null: it does not'),
      ('clock', 'note', 'why the clock was set'),
      ('clock', 'market_now', 'market time as this is read'),
      ('slots', null, 'Every slot that has a champion, and how it does.'),
      ('slots', 'slot', 'competition and asset, such as crypto_1h/BTC'),
      ('slots', 'reign', 'number of its champion: 0 is the reference'),
      ('slots', 'champion', 'artifact of the champion, a sha256'),
      ('slots', 'family', 'family of its model'),
      ('slots', 'since', 'market time of its promotion'),
      ('slots', 'promoted', 'false: what was served so far are answers of the reference'),
      ('slots', 'n', 'scored answers'),
      ('slots', 'mean_crps', 'their mean CRPS, as the subnet computes it'),
      ('slots', 'reference_mean_crps', 'of the reference miner on the same prompts'),
      ('slots', 'diff', 'reference_mean_crps - mean_crps: positive is better'),
      ('slots', 'diff_se', 'standard error of diff over blocks of six horizons; null below three blocks'),
      ('slots', 'best_crps', 'mean CRPS of the best possible forecast in a simulated market, where it was scored'),
      ('slots', 'mean_crps_beside_best', 'ours on those same prompts'),
      ('slots', 'emission_share', 'what this asset alone would pay us, 0 to 1; null before the first payment'),
      ('challengers', null, 'Models in the shadow of a champion, and how far the gate is.'),
      ('challengers', 'challenger_id', 'of board.challenger'),
      ('challengers', 'kind', 'challenge, or the reverse test after a promotion: rollback'),
      ('challengers', 'slot', 'competition and asset'),
      ('challengers', 'reign', 'the reign it challenges'),
      ('challengers', 'k', 'the how-manieth of its kind in that reign'),
      ('challengers', 'artifact', 'its model, a sha256'),
      ('challengers', 'windows', 'live windows scored so far'),
      ('challengers', 'e_value', 'evidence that it is better'),
      ('challengers', 'threshold', 'evidence that it needs'),
      ('challengers', 'mirror', 'evidence that it is worse; see docs/trust.md'),
      ('challengers', 'stage', 'shadow, passed, promoted, rejected, superseded or timed_out, as in docs/trust.md'),
      ('challengers', 'trials', 'artifacts scored against the champion when it was admitted'),
      ('challengers', 'screen_t', 't statistic on hidden windows, rounded to a tenth'),
      ('challengers', 'screen_threshold', 't statistic that the screen asked for'),
      ('challengers', 'market_at', 'market time of its admission'),
      ('promotions', null, 'Every reign of every slot, newest first.'),
      ('promotions', 'id', 'of board.promotion'),
      ('promotions', 'slot', 'competition and asset'),
      ('promotions', 'reign', 'number of the reign'),
      ('promotions', 'kind', 'found, promote or rollback'),
      ('promotions', 'artifact', 'the champion, a sha256'),
      ('promotions', 'family', 'family of its model'),
      ('promotions', 'previous', 'the champion before; null for the founding one'),
      ('promotions', 'e_value', 'evidence at the promotion'),
      ('promotions', 'threshold', 'evidence that was needed'),
      ('promotions', 'windows', 'live windows it rests on'),
      ('promotions', 'at', 'wall time'),
      ('promotions', 'market_at', 'market time'),
      ('emission', null, 'The latest share of the reward of every miner in every competition.'),
      ('emission', 'competition', 'its name; all: what the subnet pays over all of them'),
      ('emission', 'asset', 'null: the competition as it pays; else what this asset alone would pay'),
      ('emission', 'miner', 'swarm, a rival or reference'),
      ('emission', 'prompts', 'prompts the share rests on'),
      ('emission', 'smoothed', 'score after smoothing, by the rule of the subnet'),
      ('emission', 'share', 'of the reward, 0 to 1'),
      ('emission', 'market_at', 'market time of the payment'),
      ('served_prompt', null, 'Every scored answer of ours beside the reference on the same prompt.'),
      ('served_prompt', 'prompt_id', 'of board.prompt'),
      ('served_prompt', 'slot', 'competition and asset'),
      ('served_prompt', 'start_at', 'where the forecast begins'),
      ('served_prompt', 'length_s', 'its horizon in seconds'),
      ('served_prompt', 'artifact', 'the model that answered, a sha256'),
      ('served_prompt', 'rank', 'why it answered: champion, previous, reference'),
      ('served_prompt', 'promoted', 'whether that model ever won a reign'),
      ('served_prompt', 'crps', 'of our answer, as the subnet computes it'),
      ('served_prompt', 'reference_crps', 'of the reference miner'),
      ('served_prompt', 'best_crps', 'of the best possible forecast; null outside a simulated market'),
      ('served_prompt', 'prompt_score', 'what the validator made of our answer within the field'),
      ('served', null, 'Scored answers by slot, over promoted champions; over the reference while there is none.'),
      ('served', 'slot', 'competition and asset'),
      ('served', 'promoted', 'false: these are answers of the reference'),
      ('served', 'n', 'scored answers'),
      ('served', 'mean_crps', 'mean CRPS of ours'),
      ('served', 'reference_mean_crps', 'of the reference on the same prompts'),
      ('served', 'diff', 'reference_mean_crps - mean_crps: positive is better'),
      ('served', 'diff_se', 'its standard error over blocks; null below three blocks'),
      ('served', 'blocks', 'blocks of six horizons, which outlast the autocorrelation'),
      ('served', 'best_crps', 'mean CRPS of the best possible forecast, where it was scored'),
      ('served', 'mean_crps_beside_best', 'ours on those same prompts')
    ) as c (view, field, text)
  loop
    if one.field is null then
      execute format('comment on view fleet.%I is %L', one.view, one.text);
    else
      execute format('comment on column fleet.%I.%I is %L', one.view, one.field, one.text);
    end if;
  end loop;
end $$;
