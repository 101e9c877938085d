-- The promotion gate. Stage 1 screens candidates on hidden windows against the best of as many null candidates as this
-- reign has tried; stage 2 is an e-process over live, non-overlapping windows with an alpha that the reign spends.
--
--   x_t  clip(d_t / scale, -clip_sd sd, clip_sd sd) / (clip_sd sd), d = CRPS(champion) - CRPS(challenger)
--   E_n  mean over l of prod (1 + l x_t);  promote when E_n >= 1/alpha_k, n >= floor;  reject when E_n(-x) >= mirror_limit
--   alpha_k = gate_alpha * 6 / (pi^2 k^2) for the k-th challenger of the reign

create view trust.screen as
with setting as (
  select trust.constant('screen_floor_t') as floor_t, trust.constant('checks_to_promote') as checks_to_promote,
    trust.constant('verdict_tolerance') as verdict_tolerance, trust.constant('min_challenger_trust') as min_challenger_trust
), tried as materialized (
  select c.slot, v.reign, count(distinct c.artifact) as trials
  from board.verdict v join board.claim c on c.id = v.claim_id
  join trust.champion ch on ch.slot = c.slot and ch.reign = v.reign
  where v.finding = 'scored' group by c.slot, v.reign
), threshold as materialized (
  select t.*, greatest(floor_t, trust.expected_maximum(t.trials)) as screen_threshold from tried t cross join setting
), owner as materialized (
  select owner, trust from trust.owner where kind = 'claims'
)
select c.id as claim_id, c.slot, ch.reign, c.artifact, c.family, a.owner, o.trust, rr.checks, t.trials,
  rr.champion_t as screen_t, t.screen_threshold, rr.champion_crps as scale, rr.difference_sd as sd,
  rr.refusals = 0 and rr.checks >= checks_to_promote and rr.spread <= verdict_tolerance and o.trust >= min_challenger_trust
    and rr.champion_t > t.screen_threshold as passed
from trust.champion ch cross join setting
join threshold t on t.slot = ch.slot and t.reign = ch.reign
join trust.reign_result rr on rr.reign = ch.reign
join board.claim c on c.id = rr.claim_id and c.slot = ch.slot and c.artifact <> ch.artifact
join board.agent a on a.id = c.agent_id
join owner o on o.owner = a.owner;

-- Log wealth is held where exp(), and its square inside avg(), neither overflow nor underflow.
create view trust.gate_path as
with bet as (
  select s.challenger_id, s.start_at, s.x,
    row_number() over w as n,
    sum(ln(1 + l * s.x)) over w as log_wealth,
    sum(ln(1 - l * s.x)) over w as log_mirror
  from board.gate_step s cross join unnest(array[0.05, 0.1, 0.2, 0.35, 0.5, 0.7]::double precision[]) as l
  window w as (partition by s.challenger_id, l order by s.start_at)
)
select challenger_id, start_at, x, n, avg(exp(greatest(-300, least(300, log_wealth)))) as e_value,
  avg(exp(greatest(-300, least(300, log_mirror)))) as mirror
from bet group by challenger_id, start_at, x, n;

create view trust.gate as
with state as (
  select challenger_id, max(n) as windows, (array_agg(e_value order by n desc))[1] as e_value, max(mirror) as worst_mirror,
    max(start_at) as last_start
  from trust.gate_path group by challenger_id
)
select c.id as challenger_id, c.kind, c.slot, c.reign, c.k, c.claim_id, c.artifact, c.at, c.market_at, c.trials, c.screen_t,
  c.screen_threshold, c.scale, c.sd, coalesce(s.windows, 0) as windows, coalesce(s.e_value, 1) as e_value, coalesce(s.worst_mirror, 1) as mirror,
  1 / c.alpha as threshold, s.last_start,
  case
    when p.id is not null then 'promoted'
    when c.reign < ch.reign then 'superseded'
    when s.worst_mirror >= (select trust.constant('mirror_limit')) then 'rejected'
    when s.windows >= case c.kind when 'rollback' then (select trust.constant('rollback_floor_windows'))
        else (select trust.constant('gate_floor_windows')) end
      and s.e_value >= 1 / c.alpha then 'passed'
    when s.windows >= (select trust.constant('gate_max_windows')) then 'timed_out'
    else 'shadow'
  end as stage
from board.challenger c
join trust.champion ch on ch.slot = c.slot
left join state s on s.challenger_id = c.id
left join board.promotion p on p.challenger_id = c.id;
