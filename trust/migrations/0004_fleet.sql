-- Schema fleet: the read API for people and dashboards. Documented in docs/blackboard.md, stable, and free of hidden windows.

create schema fleet;

create view fleet.agents as
select a.id, a.name, a.role, a.owner, o.trust, extract(epoch from clock_timestamp() - p.beat_at)::double precision as heartbeat_age_s,
  p.state, p.work_id as lease, p.pid
from board.agent a
left join board.presence p on p.agent_id = a.id
left join trust.owner o on o.owner = a.owner and o.kind = trust.kind_of(a.role)
order by a.role, a.name;

create view fleet.owners as
select o.owner, o.kind, o.trust, o.shrink, o.audit_probability,
  case when o.kind = 'claims' then (select count(*) from board.claim c join board.agent a on a.id = c.agent_id where a.owner = o.owner) else 0 end as claims,
  o.events as verified, o.dishonest as over_claims
from trust.owner o order by o.owner, o.kind;

create view fleet.counts as
select (select count(*) from board.experiment) as experiments,
  (select count(*) from board.attempt) as attempts_failed,
  (select count(*) from board.claim) as claims,
  (select count(*) from board.verdict) as verdicts,
  (select count(*) from board.promotion where kind = 'promote') as promotions,
  (select count(*) from board.promotion where kind = 'rollback') as rollbacks,
  (select count(*) from board.answer where status = 'answered') as prompts_answered,
  (select count(*) from board.outcome where miner = 'swarm') as prompts_scored,
  (select count(*) from board.outcome where miner = 'swarm' and crps = -1) as invalid_answers;

create view fleet.outbox as
select count(*) as undelivered, coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::double precision as oldest_s
from board.outbox where published_at is null;

-- Every scored answer beside the reference miner's (and, in a simulated market, the best possible) on the same prompt.
create view fleet.served_prompt as
select p.id as prompt_id, p.slot, p.start_at, p.length_s, n.artifact, n.rank,
  (p.slot, n.artifact) in (select m.slot, m.artifact from board.promotion m where m.kind <> 'found') as promoted,
  o.crps, r.crps as reference_crps, b.crps as best_crps, o.prompt_score
from board.outcome o
join board.prompt p on p.id = o.prompt_id
join board.answer n on n.prompt_id = p.id and n.status = 'answered'
join board.outcome r on r.prompt_id = p.id and r.miner = 'reference' and r.crps >= 0
left join board.outcome b on b.prompt_id = p.id and b.miner = 'oracle' and b.crps >= 0
where o.miner = 'swarm' and o.crps >= 0;

-- Per slot, over answers of promoted champions (of the founding reference while there is none yet).
-- diff = reference - ours, positive is better; its standard error over blocks of six horizons, which outlast the autocorrelation.
create view fleet.served as
with every as (
  select s.*, bool_or(s.promoted) over (partition by s.slot) as any_promoted from fleet.served_prompt s
), chosen as (
  select * from every where promoted = any_promoted
), block as (
  select slot, floor(extract(epoch from start_at) / (6 * length_s)) as block, count(*) as n,
    avg(reference_crps - crps) as diff
  from chosen group by slot, floor(extract(epoch from start_at) / (6 * length_s))
), spread as (
  select slot, case when count(*) >= 3 then stddev_samp(diff) / sqrt(count(*)) end as diff_se, count(*) as blocks from block group by slot
)
select c.slot, bool_or(c.promoted) as promoted, count(*) as n, avg(c.crps) as mean_crps, avg(c.reference_crps) as reference_mean_crps,
  avg(c.reference_crps - c.crps) as diff, s.diff_se, s.blocks,
  avg(c.best_crps) as best_crps, avg(c.crps) filter (where c.best_crps is not null) as mean_crps_beside_best
from chosen c join spread s on s.slot = c.slot
group by c.slot, s.diff_se, s.blocks;

create view fleet.emission as
select distinct on (competition, asset, miner) competition, asset, miner, prompts, smoothed, share, market_at
from board.reward order by competition, asset, miner, id desc;

create view fleet.slots as
select c.slot, c.reign, c.artifact as champion, c.family, c.market_at as since, v.promoted, coalesce(v.n, 0) as n, v.mean_crps,
  v.reference_mean_crps, v.diff, v.diff_se, v.best_crps, v.mean_crps_beside_best,
  (select e.share from board.reward e where e.asset = split_part(c.slot, '/', 2) and e.competition = split_part(c.slot, '/', 1)
    and e.miner = 'swarm' order by e.id desc limit 1) as emission_share
from trust.champion c left join fleet.served v on v.slot = c.slot
order by c.slot;

create view fleet.challengers as
select challenger_id, kind, slot, reign, k, artifact, windows, e_value, threshold, mirror, stage, trials,
  round(screen_t::numeric, 1)::double precision as screen_t, screen_threshold, market_at
from trust.gate order by slot, reign, kind, k;

create view fleet.promotions as
select id, slot, reign, kind, artifact, family, previous, e_value, threshold, windows, at, market_at from board.promotion order by at desc, id desc;

create view fleet.clock as
select c.source, c.dataset_digest, c.seed, c.profile, c.slots, c.speed, c.data_from, c.data_to, c.note, market.now() as market_now
from market.clock c order by c.id desc limit 1;

grant usage on schema trust, fleet to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator,
  swarm_feed, swarm_relay, swarm_reader;
grant select on all tables in schema fleet to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner, swarm_validator,
  swarm_feed, swarm_relay, swarm_reader;
grant select on trust.owner, trust.champion, trust.pattern_weight, trust.known_spec to swarm_explorer, swarm_optimizer, swarm_miner, swarm_validator;
grant select on all tables in schema trust to swarm_checker, swarm_publisher, swarm_reader;
grant execute on function trust.constant(text), trust.draw(uuid, text), trust.score(double precision, double precision, double precision), trust.decay(interval, double precision),
  trust.ladder(double precision, double precision),
  trust.matches(jsonb, text, text, text, text, double precision, double precision), trust.probit(double precision), trust.expected_maximum(bigint), trust.kind_of(text)
  to public;
