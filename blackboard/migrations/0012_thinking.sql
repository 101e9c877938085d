-- What whoever decides may read of what others tried and noted: two views, with the owner of every line.
--
-- An experiment of fewer windows than its day has was ended early: its screen showed that it would not do. It is a row like any
-- other, so that nobody tries it again, and no claim can stand on it.

create index experiment_by_slot on board.experiment (slot, id desc);

create view board.tried as
select e.id, e.slot, e.family, e.spec, e.spec_digest, e.as_of, e.n_windows, e.gain, e.se, e.cost_ms, e.at, a.owner, e.agent_id
from board.experiment e join board.agent a on a.id = e.agent_id;
comment on view board.tried is 'Experiments with their owners: gains on public windows, stated by who ran them.';

create view board.noted as
select p.id, p.slot, p.family, p.knob, p.low, p.high, p.direction, p.effect, p.note, p.at, a.owner
from board.pattern p join board.agent a on a.id = p.agent_id;
comment on view board.noted is 'Patterns with their owners: text and effects are the word of who stated them.';

grant select on board.tried, board.noted to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner,
  swarm_validator, swarm_reader;
