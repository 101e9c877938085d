-- A prompt is what was asked: a validator may ask of one asset, start and length on two grids, and each answer is kept.
-- Prompts that no competition scores have the slot other/ASSET: no reign, gate or score is of such a slot.
alter table board.prompt
  drop constraint prompt_validator_asset_start_at_length_s_key,
  add constraint prompt_asked unique (validator, asset, start_at, length_s, increment_s, num_simulations);
comment on column board.prompt.slot is 'The slot that is scored, or other/ASSET where no competition scores what was asked.';
