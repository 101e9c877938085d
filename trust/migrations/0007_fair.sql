-- What honest claims cannot be used for: lies too small for one test, copies, and claims that a careless checker waved through.
--
--   over     (excess - common) * sum(w) / sqrt(sum(w^2)), excess = sum(w z) / sum(w) over an owner's claims,
--            z = (claimed - verified) / sqrt(se_claimed^2 + se_verified^2) kept within [-over_clip_low, over_clip],
--            common = the same of all other owners, by their trust, within +-over_common.
--   evidence of over-claiming: mean over l in {.25 .5 1} of exp(l (sum(w z) - (over_slack + common) sum(w)) - l^2 sum(w^2) / 2),
--            an e-value against every owner whose claims lie at most over_slack standard errors above their verdicts on average:
--            who claims the best of several experiments lies so far above without a lie. Trust is divided by it where it exceeds 1,
--            so that no look shuts anybody out: it is large as seldom as it is large. Understating earns little, so that nobody
--            saves up for a lie; and a stretch that was worse for everybody accuses nobody.
--   evidence of collusion: mean, over the owners whose claims a checker has judged, of the mean over p in {.05 .1 .5} of
--            (p / check_error)^disputed * ((1 - p) / (1 - check_error))^agreed, both decayed. Re-runs agree but for mishaps, so a checker
--            that is wrong about one owner again and again is no mishap, however right it is about everybody else. Trust is divided.
--   copy     an honest claim weighs nothing when its spec or artifact was another owner's first, or when an earlier model does the same
--            on the same hidden windows: differences from the champion that are apart by less than copy_distance of their size.
--   doubt    a claim that one checker alone has judged is judged by a second one with the chance with which that checker is
--            audited: max(audit_floor, 1 - trust as a checker), and where it was found honest at least with the share that over-claims have
--            in its owner's record. A checker that approves unseen is met by one that looks, and one that clears a known liar almost always.
--   planted  a share plant_share of the claims that two checkers agree on is judged once more by a third one, who cannot tell (0009):
--            what it should find is known, and where it finds something else the other two condemn it.
--   retraced the checker works out the claim's own number as well, on the public windows, with the probability with which its owner is
--            audited. Luck and selection leave that number as it was claimed; only an invented one comes out otherwise.
--   budget   claims of one owner that are scored on the hidden windows of a slot: hidden_queries a reign, and as many again for every
--            hidden_days that it lasts, in which the windows are exchanged. The others wait.

insert into board.constant (name, value, unit, note) values
  ('over_slack', 0.4, 'standard errors', 'claims that lie so far above their verdicts on average accuse nobody: selection does that'),
  ('over_clip', 3, 'standard errors', 'one claim counts at most this much there'),
  ('check_error', 0.01, 'share', 'checks in which an honest checker is contradicted by mishap'),
  ('over_clip_low', 1, 'standard errors', 'and one that understates at most this much'),
  ('over_common', 1, 'standard errors', 'at most this much of an excess is put down to what the market did to everybody'),
  ('copy_distance', 0.02, 'share', 'two models whose differences from the champion are apart by less are one'),
  ('doubt_days', 3, 'market days', 'a second check by doubt, or a planted third, comes within these or not at all'),
  ('plant_share', 0.2, 'share', 'of the claims that two checkers agree on, those that a third one is tried with'),
  ('hidden_queries', 100, 'claims', 'of one owner and slot that are scored on hidden windows in a reign, and again in every hidden_days of it');

create index verdict_by_windows on board.verdict (windows_digest, mean_crps) where finding = 'scored';
create index claim_by_spec on board.claim (slot, spec_digest);

-- When a spec was first thought of: the decision comes before the experiment and the claim.
create function trust.conceived(claim uuid) returns timestamptz
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce((select d.at from board.experiment e join board.decision d on d.id = e.decision_id where e.id = c.experiment_id), c.at)
  from board.claim c where c.id = claim
$$;

-- How far apart two lists of differences are, as a share of the size of the first.
create function trust.distance(a double precision[], b double precision[]) returns double precision
language sql immutable as $$
  select case when cardinality(a) = cardinality(b) then
    (select sqrt(sum((x - y) ^ 2) / nullif(sum(x ^ 2), 0)) from unnest(a, b) as t (x, y)) end
$$;

-- Claims, not this one, whose model did the same as this one's on the same windows against the same champion.
create function trust.alike(claim uuid) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with mine as materialized (
    select distinct on (v.windows_digest, v.champion) v.windows_digest, v.champion, v.mean_crps, v.differences, v.window_starts, c.slot
    from board.verdict v join board.claim c on c.id = v.claim_id where v.claim_id = claim and v.finding = 'scored'
    order by v.windows_digest, v.champion, v.at, v.id
  )
  select distinct o.claim_id from mine m join board.verdict o on o.windows_digest = m.windows_digest and o.finding = 'scored'
    and o.mean_crps between m.mean_crps * 0.999 and m.mean_crps * 1.001 and o.champion = m.champion and o.claim_id <> claim
  join board.claim c on c.id = o.claim_id and c.slot = m.slot
  where o.window_starts = m.window_starts and trust.distance(m.differences, o.differences) < trust.constant('copy_distance')
$$;

-- The claim that this one is a copy of, or null.
create function trust.original(claim uuid) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select e.id from (
    select o.id from board.claim c join board.agent a on a.id = c.agent_id
    join board.claim o on o.slot = c.slot and o.spec_digest = c.spec_digest and o.id <> c.id
    join board.agent b on b.id = o.agent_id and b.owner <> a.owner where c.id = claim
    union
    select o.id from board.claim c join board.agent a on a.id = c.agent_id
    join board.claim o on o.artifact = c.artifact and o.slot = c.slot and o.id <> c.id
    join board.agent b on b.id = o.agent_id and b.owner <> a.owner where c.id = claim
    union
    select trust.alike(claim)
  ) e
  where (trust.conceived(e.id), e.id) < (trust.conceived(claim), claim)
  order by trust.conceived(e.id), e.id limit 1
$$;

alter table trust.owner_tally add column over_pull numeric not null default 0, add column over_mass numeric not null default 0,
  add column over_weight numeric not null default 0;
alter table trust.owner_change add column over_pull numeric not null default 0, add column over_mass numeric not null default 0,
  add column over_weight numeric not null default 0;
alter type trust.move add attribute z double precision;

create or replace function trust.fold() returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  -- With one snapshot for a whole transaction, a row that another fold took away is an error.
  if current_setting('transaction_isolation') <> 'read committed' then
    return;
  end if;
  perform from trust.folding for update skip locked;
  if not found then
    return;
  end if;
  with gone as (delete from trust.count_change returning *)
  insert into trust.count as c select name, key, sum(n) from gone group by name, key
  on conflict (name, key) do update set n = c.n + excluded.n;
  with gone as (delete from trust.owner_change returning *)
  insert into trust.owner_tally as t
  select owner, kind, month, sum(events), sum(dishonest), sum(scored), sum(honest_weight), sum(dishonest_weight), sum(pull), sum(mass),
    sum(over_pull), sum(over_mass), sum(over_weight)
  from gone group by owner, kind, month
  on conflict (owner, kind, month) do update set events = t.events + excluded.events, dishonest = t.dishonest + excluded.dishonest,
    scored = t.scored + excluded.scored, honest_weight = t.honest_weight + excluded.honest_weight,
    dishonest_weight = t.dishonest_weight + excluded.dishonest_weight, pull = t.pull + excluded.pull, mass = t.mass + excluded.mass,
    over_pull = t.over_pull + excluded.over_pull, over_mass = t.over_mass + excluded.over_mass,
    over_weight = t.over_weight + excluded.over_weight;
  with gone as (delete from trust.served_change returning *)
  insert into trust.served_block as b
  select slot, artifact, block, sum(n), sum(crps), sum(reference_crps), sum(beside_n), sum(best_crps), sum(crps_beside_best)
  from gone group by slot, artifact, block
  on conflict (slot, artifact, block) do update set n = b.n + excluded.n, crps = b.crps + excluded.crps,
    reference_crps = b.reference_crps + excluded.reference_crps, beside_n = b.beside_n + excluded.beside_n,
    best_crps = b.best_crps + excluded.best_crps, crps_beside_best = b.crps_beside_best + excluded.crps_beside_best;
end $$;

-- What moves add to tallies; one that is taken back adds the opposite.
create or replace function trust.changes(moves trust.move[]) returns setof trust.owner_tally
language sql stable set search_path = pg_catalog, pg_temp as $$
  select m.owner, m.kind, date_trunc('month', m.market_at, 'UTC'), count(*), count(*) filter (where not m.honest), count(m.verified_gain),
    coalesce(sum(round((m.weight * g.grown)::numeric, 30)) filter (where m.honest), 0),
    coalesce(sum(round((m.weight * g.grown)::numeric, 30)) filter (where not m.honest), 0),
    coalesce(sum(round((m.weight * m.claimed_gain * trust.ladder(m.verified_gain, trust.constant('ladder_step')))::numeric, 30)), 0),
    coalesce(sum(round((m.weight * m.claimed_gain ^ 2)::numeric, 30)) filter (where m.verified_gain is not null), 0),
    coalesce(sum(round((m.weight * m.z * g.grown)::numeric, 30)), 0),
    coalesce(sum(round((m.weight * g.grown)::numeric ^ 2, 30)) filter (where m.z is not null), 0),
    coalesce(sum(round((m.weight * g.grown)::numeric, 30)) filter (where m.z is not null), 0)
  from unnest(moves) m cross join lateral (select trust.grown(m.market_at, trust.constant('half_life_days')) as grown) g
  group by m.owner, m.kind, date_trunc('month', m.market_at, 'UTC')
$$;

-- Promotions by themselves: whoever sums events up has the others from trust.standing, and does not go through all verdicts for these.
-- One that no other has followed counts once it is old enough, and how old it is is for the reader to ask: market.now() is volatile, and
-- a view that calls it is worked out in full by whoever wants a part of it.
create view trust.promotion_event as
select a.owner, p.id as promotion_id, p.slot, coalesce(n.kind, '') <> 'rollback' as honest, p.market_at,
  case when n.id is null then p.market_at + trust.constant('publisher_survival_days') * interval '24 hours' else '-infinity' end as counts_from
from board.promotion p
join board.agent a on a.id = p.agent_id
left join board.promotion n on n.slot = p.slot and n.reign = p.reign + 1
where p.kind <> 'found';
grant select on trust.promotion_event to swarm_checker, swarm_publisher, swarm_reader;

-- As in 0005, with z and with copies at no weight; a check counts once more among those of the claim's owner.
create or replace view trust.event as
with result as not materialized (select * from trust.claim_result where checks > 0)
select owner, 'claims' as kind, claim_id as ref, honest,
  case when honest and trust.original(claim_id) is not null then 0 else informativeness end as weight,
  judged_at as market_at, claimed_gain, verified_gain, claim_id,
  case when verified_gain is not null then greatest(-(select trust.constant('over_clip_low')), least((select trust.constant('over_clip')),
    (claimed_gain - verified_gain) / greatest(sqrt(claimed_se ^ 2 + verified_se ^ 2), 1e-9))) end as z
from result where honest is not null
union all
select v.owner, k.kind, v.id,
  case when v.finding = 'refused' then r.refusals * 2 > r.checks
    else r.refusals * 2 < r.checks and abs(v.verified_gain - r.verified_gain) <= (select trust.constant('verdict_tolerance')) end,
  1, v.market_at, null, null, r.claim_id, null
from result r join trust.first_verdict v on v.claim_id = r.claim_id
cross join lateral (values ('checks'), ('checks of ' || r.owner)) as k (kind)
where r.checks >= 2 and r.refusals * 2 <> r.checks
  and (r.refusals * 2 > r.checks or r.checks - r.refusals >= 3 or r.spread <= (select trust.constant('verdict_tolerance')))
union all
select owner, 'promotions', promotion_id, honest, 1, market_at, null, null, null, null from trust.promotion_event where counts_from < market.now();

-- A claim's place in the tables, from its verdicts as they are now. Verdicts of one claim come here one after the other.
create or replace function trust.settle(claim uuid) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  was trust.move[];
  becomes trust.move[];
  step double precision := trust.constant('ladder_step');
begin
  select s.moves into was from trust.standing s where s.claim_id = claim for update;
  if not found then
    raise exception 'claim % has no standing: records were written past the triggers', claim
      using errcode = 'SW010', hint = 'select trust.rebuild()';
  end if;
  -- A statement of its own, whose snapshot begins after the lock was given.
  select coalesce(array_agg((e.owner, e.kind, e.honest, e.weight, e.market_at, e.claimed_gain, e.verified_gain, e.z)::trust.move order by e.kind, e.ref), '{}')
    into becomes from trust.event e where e.claim_id = claim;
  if was is distinct from becomes then
    insert into trust.owner_change
    select owner, kind, month, sum(events), sum(dishonest), sum(scored), sum(honest_weight), sum(dishonest_weight), sum(pull), sum(mass), sum(over_pull), sum(over_mass), sum(over_weight)
    from (
      select * from trust.changes(becomes)
      union all
      select owner, kind, month, -events, -dishonest, -scored, -honest_weight, -dishonest_weight, -pull, -mass, -over_pull, -over_mass, -over_weight from trust.changes(was)
    ) c group by owner, kind, month;
  end if;
  update trust.standing s set checks = r.checks, honest = r.honest, verified_gain = r.verified_gain, verified_se = r.verified_se, judged_at = r.judged_at,
    told_gain = trust.ladder(r.verified_gain, step), told_se = (floor(r.verified_se / step) + 1) * step,
    moves = becomes, moved_at = (select max(m.market_at) from unnest(becomes) m)
  from trust.claim_result r where r.claim_id = claim and s.claim_id = claim;
  insert into trust.reign_standing as s select * from trust.reign_state r where r.claim_id = claim
  on conflict (claim_id, reign) do update set checks = excluded.checks, refusals = excluded.refusals, champion_t = excluded.champion_t,
    champion_crps = excluded.champion_crps, difference_sd = excluded.difference_sd, spread = excluded.spread, open = excluded.open;
end $$;

create or replace function trust.note() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  one uuid;
  prompts uuid[];
begin
  case tg_table_name
    when 'claim' then
      insert into trust.slot select distinct slot from inserted on conflict do nothing;
      insert into trust.standing (claim_id, owner, slot, artifact, spec_digest, as_of, claimed_gain, audit_draw, queue_draw)
      select i.id, a.owner, i.slot, i.artifact, i.spec_digest, i.as_of, i.claimed_gain, trust.draw(i.salt, 'audit'), trust.draw(i.salt, 'queue')
      from inserted i join board.agent a on a.id = i.agent_id;
      insert into trust.count_change select 'claim', a.owner, count(*) from inserted i join board.agent a on a.id = i.agent_id group by a.owner;
    when 'verdict' then
      -- Of two claims that are alike, whoever is judged second has to see the first.
      perform pg_advisory_xact_lock(hashtextextended(w.windows_digest, 7735))
        from (select distinct windows_digest::text from inserted where windows_digest is not null order by 1) w;
      -- A verdict may show that a claim judged before is the copy of this one.
      for one in select claim_id from inserted union select trust.alike(i.claim_id) from (select distinct claim_id from inserted) i order by 1 loop
        perform trust.settle(one);
      end loop;
      with tried as (
        insert into trust.trial select distinct c.slot, i.reign, c.artifact from inserted i join board.claim c on c.id = i.claim_id
          where i.finding = 'scored' order by 1, 2, 3
        on conflict do nothing returning slot, reign
      )
      insert into trust.count_change select 'trial', slot || ' ' || reign, count(*) from tried group by slot, reign;
      insert into trust.count_change select 'verdict', '', count(*) from inserted having count(*) > 0;
    when 'decision' then
      insert into trust.count_change select 'child', i.slot || ' ' || p.digest, count(*)
      from inserted i cross join lateral (select distinct unnest(i.parent_digests) as digest) p group by i.slot, p.digest;
    when 'answer' then
      insert into trust.count_change select 'answered', '', count(*) from inserted where status = 'answered' having count(*) > 0;
      perform trust.take_turn(array(select prompt_id from inserted));
      prompts := array(select distinct i.prompt_id from inserted i where exists (select from board.outcome o where o.prompt_id = i.prompt_id));
      if cardinality(prompts) > 0 then
        perform trust.serve(prompts);
      end if;
    when 'outcome' then
      insert into trust.count_change select 'scored', '', count(*) from inserted where miner = 'swarm' having count(*) > 0;
      insert into trust.count_change select 'invalid', '', count(*) from inserted where miner = 'swarm' and crps = -1 having count(*) > 0;
      prompts := array(select distinct prompt_id from inserted);
      perform trust.take_turn(prompts);
      perform trust.serve(prompts);
    when 'pattern' then
      insert into trust.pattern_standing (pattern_id, scope, predicate, gain, sd, n_eff)
      select id, coalesce(slot, ''), jsonb_build_array(slot, family, knob, low, high)::text, 0, trust.constant('pattern_tau'), 0 from inserted order by id
      on conflict do nothing;
    else
      insert into trust.count_change select tg_table_name, '', count(*) from inserted having count(*) > 0;
  end case;
  if random() < 0.02 then
    perform trust.fold();
  end if;
  return null;
end $$;

-- pull, weight and mass: sums of w z, w and w^2.
create function trust.over_evidence(pull double precision, weight double precision, mass double precision, slack double precision)
returns double precision
language sql immutable as $$
  select avg(exp(greatest(-300, least(300, l * (pull - slack * weight) - l ^ 2 * mass / 2)))) from unnest(array[0.25, 0.5, 1]::double precision[]) l
$$;

create function trust.check_evidence(agreed double precision, disputed double precision, error double precision) returns double precision
language sql immutable as $$
  select avg(exp(greatest(-300, least(300, disputed * ln(p / error) + agreed * ln((1 - p) / (1 - error)))))) from unnest(array[0.05, 0.1, 0.5]::double precision[]) p
$$;

-- Events that lie ahead of the market, where its clock was set back, count as of now: what their month says too much of them. Whoever
-- asks for one kind of work is not made to wait for the others: nothing is materialized but the clock.
create or replace view trust.owner as
with clock as (
  select market.now() as reading, trust.constant('half_life_days') as half_life_days, trust.constant('ladder_step') as step,
    trust.constant('prior_alpha') as prior_alpha, trust.constant('prior_beta') as prior_beta, trust.constant('lie_weight') as lie_weight,
    trust.constant('bound_z') as bound_z, trust.constant('audit_floor') as audit_floor,
    trust.constant('over_slack') as over_slack, trust.constant('over_common') as over_common, trust.constant('check_error') as check_error
), part as not materialized (
  select t.owner, t.kind, t.events, t.dishonest, t.scored, t.honest_weight * d.decay as honest_weight, t.dishonest_weight * d.decay as dishonest_weight, t.pull, t.mass,
    t.over_pull * d.decay as over_pull, t.over_mass * d.decay * d.decay as over_mass,
    t.over_weight * d.decay as over_weight
  from (
    select owner, kind, month, events, dishonest, scored, honest_weight::double precision, dishonest_weight::double precision, pull, mass,
      over_pull::double precision, over_mass::double precision, over_weight::double precision from trust.owner_tally
    union all
    select owner, kind, month, events, dishonest, scored, honest_weight::double precision, dishonest_weight::double precision, pull, mass,
      over_pull::double precision, over_mass::double precision, over_weight::double precision from trust.owner_change
  ) t cross join clock cross join lateral (select trust.decay(reading - t.month, half_life_days) as decay) d
  union all
  select m.owner, m.kind, 0, 0, 0, case when m.honest then w.over else 0 end, case when m.honest then 0 else w.over end, 0, 0,
    coalesce(w.over * m.z, 0), case when m.z is null then 0 else m.weight ^ 2 - (m.weight - w.over) ^ 2 end,
    case when m.z is null then 0 else w.over end
  from clock join trust.standing s on s.moved_at > reading cross join unnest(s.moves) m
  cross join lateral (select m.weight * (1 - trust.grown(m.market_at, half_life_days)
    * trust.decay(reading - date_trunc('month', m.market_at, 'UTC'), half_life_days)) as over) w
  where m.market_at > reading
  union all
  select e.owner, 'promotions', 1, (not e.honest)::int, 0, case when e.honest then w.weight else 0 end, case when e.honest then 0 else w.weight end, 0, 0, 0, 0, 0
  from trust.promotion_event e cross join clock cross join lateral (select trust.decay(reading - e.market_at, half_life_days) as weight) w
  where e.counts_from < reading
), tally as not materialized (
  select owner, kind, sum(events)::bigint as events, sum(dishonest)::bigint as dishonest, sum(honest_weight) as honest_weight,
    sum(dishonest_weight) as dishonest_weight, case when sum(scored) > 0 then (sum(pull) / nullif(sum(mass), 0))::double precision end as shrink,
    sum(over_pull) / nullif(sum(over_weight), 0) as excess, sum(over_weight) / nullif(sqrt(greatest(sum(over_mass), 0)), 0) as size,
    sum(over_pull) as over_pull, sum(over_weight) as over_weight, sum(over_mass) as over_mass
  from part group by owner, kind
), collusion as (
  -- An owner's mean over whom it has checked.
  select t.owner, avg(trust.check_evidence(coalesce(t.honest_weight, 0), coalesce(t.dishonest_weight, 0), check_error)) as evidence
  from tally t cross join clock where t.kind like 'checks of %' and t.events > 0 group by t.owner
), member as (
  select distinct owner, trust.kind_of(role) as kind from board.agent where trust.kind_of(role) is not null
), scored as (
  select m.owner, m.kind, coalesce(t.events, 0) as events, coalesce(t.dishonest, 0) as dishonest,
    prior_alpha + coalesce(t.honest_weight, 0) as alpha,
    prior_beta + lie_weight * coalesce(t.dishonest_weight, 0) as beta,
    t.shrink, bound_z, audit_floor, over_slack, over_common, t.excess, t.size, t.over_pull, t.over_weight, t.over_mass
  from member m cross join clock
  left join tally t on t.owner = m.owner and t.kind = m.kind
), believed as (
  select *, trust.score(alpha, beta, bound_z) as score from scored
), common as (
  -- What the market did to everybody: the excess of the others, by how far they are believed.
  select *, sum(score * excess) over (partition by kind) - coalesce(score * excess, 0) as others_pull,
    sum(score) filter (where excess is not null) over (partition by kind) - case when excess is null then 0 else score end as others_score
  from believed
), compared as (
  select *, greatest(-over_common, least(over_common, case when others_score > 1e-9 then coalesce(others_pull, 0) / others_score else 0 end)) as market
  from common
), accused as (
  select p.*, (p.excess - p.market) * p.size as over, coalesce(case p.kind
    when 'claims' then case when p.excess is not null then trust.over_evidence(p.over_pull, p.over_weight, p.over_mass, p.over_slack + p.market) end
    when 'checks' then (select u.evidence from collusion u where u.owner = p.owner) end, 1) as evidence
  from compared p
)
select owner, kind, events, dishonest, alpha, beta, shrink, score / greatest(1, evidence) as trust,
  greatest(audit_floor, 1 - score / greatest(1, evidence)) as audit_probability, over, evidence
from accused;

create index standing_judged_little on trust.standing (slot, judged_at) where checks in (1, 2);

-- As before, from what stands: claims that may need a verdict are found by index, and then asked what they need.
create or replace view trust.check_need as
with setting as (
  select trust.constant('verdict_tolerance') as verdict_tolerance, trust.constant('contender_t') as contender_t,
    trust.constant('min_challenger_trust') as min_challenger_trust, trust.constant('checks_to_promote') as checks_to_promote,
    trust.constant('contenders') as contenders, market.now() - trust.constant('contender_days') * interval '24 hours' as contender_from,
    market.now() - trust.constant('doubt_days') * interval '24 hours' as doubt_from, trust.constant('plant_share') as plant_share,
    trust.constant('hidden_queries') as hidden_queries, trust.constant('hidden_days') * 86400 as hidden_s, market.now() as reading
), claimant as materialized (
  select owner, trust, shrink, alpha / (alpha + beta) as honesty, (beta - trust.constant('prior_beta')) / (alpha + beta) as record, audit_probability
  from trust.owner where kind = 'claims'
), reigning as materialized (
  select ch.*, coalesce((select s.verified_gain from trust.standing s where s.slot = ch.slot and s.honest order by s.told_gain desc, s.verified_gain desc limit 1), 0) as best_gain
  from trust.champion ch
), judge as materialized (
  select owner, audit_probability from trust.owner where kind = 'checks'
), doubted as materialized (
  -- Judged once, by somebody who is not to be taken at his word this time.
  select s.claim_id from setting cross join reigning ch
  join trust.standing s on s.slot = ch.slot and s.checks = 1 and s.judged_at > setting.doubt_from
  join trust.reign_standing r on r.claim_id = s.claim_id and r.reign = ch.reign and r.checks = 1
  join trust.first_verdict v on v.claim_id = s.claim_id
  join judge j on j.owner = v.owner
  join board.claim c on c.id = s.claim_id
  where trust.draw(c.salt, 'doubt') < greatest(j.audit_probability, case when s.honest then (select o.record from claimant o where o.owner = s.owner) else 0 end)
), planted as materialized (
  -- What should be found is known: two agree, in this reign, and it will not challenge.
  select s.claim_id from setting cross join reigning ch
  join trust.standing s on s.slot = ch.slot and s.checks = 2 and s.judged_at > setting.doubt_from and s.judged_at >= ch.market_at
  join trust.reign_standing r on r.claim_id = s.claim_id and r.reign = ch.reign and r.checks = 2 and not r.open
  join board.claim c on c.id = s.claim_id
  where trust.draw(c.salt, 'plant') < setting.plant_share
), queried as materialized (
  -- A refusal tells nothing of the hidden windows.
  select s.owner, r.slot, count(*) as n from reigning ch
  join trust.reign_standing r on r.slot = ch.slot and r.reign = ch.reign and r.checks > r.refusals
  join trust.standing s on s.claim_id = r.claim_id group by s.owner, r.slot
), found as (
  select claim_id from doubted
  union
  select claim_id from planted
  union
  -- Judged in this reign, and in doubt or good.
  select r.claim_id from reigning ch join trust.reign_standing r on r.slot = ch.slot and r.reign = ch.reign and r.open
  union
  select b.claim_id from setting cross join reigning ch cross join lateral (
    select s.claim_id, s.as_of from trust.standing s where s.slot = ch.slot and s.honest
    order by s.verified_gain - s.verified_se desc, s.spec_digest, s.claim_id limit setting.contenders::bigint) b
  where b.as_of > setting.contender_from
  union
  select s.claim_id from setting cross join claimant o cross join reigning ch
  join trust.standing s on s.owner = o.owner and s.slot = ch.slot and s.checks = 0
    and s.claimed_gain > case when o.shrink > 0 then ch.best_gain / o.shrink * (1 - 1e-9) else '-infinity' end
    and o.shrink * s.claimed_gain > ch.best_gain
  where o.trust >= setting.min_challenger_trust and o.shrink <> 0
  union
  select s.claim_id from claimant o join trust.standing s on s.owner = o.owner and s.checks = 0 and s.audit_draw < o.audit_probability
), placed as (
  select b.claim_id from setting cross join reigning ch cross join lateral (
    select s.claim_id from trust.standing s where s.slot = ch.slot and s.honest
    order by s.verified_gain - s.verified_se desc, s.spec_digest, s.claim_id limit setting.contenders::bigint) b
), need as (
  select s.claim_id, s.owner, s.slot, ch.reign, ch.artifact as champion, ch.market_at as reign_at, c.salt, s.as_of,
    coalesce(rr.checks, 0)::bigint as have,
    -- A weighted draw (Efraimidis & Spirakis 2006): owners are served by their share of honest events, newcomers at the prior's,
    -- whatever they claim, so that a liar's stream of claims waits and nobody starves.
    ln(greatest(s.queue_draw, 1e-9)) / o.honesty as priority,
    case
      when s.artifact = ch.artifact then 0
      -- In doubt: two checkers apart, or half of them refusing.
      when rr.checks between 1 and 2 and (rr.spread > verdict_tolerance or rr.refusals * 2 = rr.checks) then 3
      -- May challenge: all checks before it does.
      when rr.checks > rr.refusals and rr.champion_t > contender_t and o.trust >= min_challenger_trust then checks_to_promote
      when rr.checks = 1 and s.claim_id in (select d.claim_id from doubted d) then 2
      when rr.checks = 2 and s.claim_id in (select p.claim_id from planted p) then 3
      -- Known and good, but not measured against this champion yet.
      when s.honest and rr.checks is null and s.as_of > contender_from and s.claim_id in (select p.claim_id from placed p) then 1
      -- Never judged, and by what its owner's word has been worth so far better than anything verified: it may challenge.
      when s.checks = 0 and o.trust >= min_challenger_trust and o.shrink * s.claimed_gain > ch.best_gain then 1
      -- Never judged: audited with a probability that trust lowers and nobody can foresee.
      when s.checks = 0 and s.audit_draw < o.audit_probability then 1
      else 0
    end as wanted,
    trust.draw(c.salt, 'retrace') < o.audit_probability or coalesce(rr.refusals, 0) > 0 as retrace,
    hidden_queries * (1 + floor(greatest(0, extract(epoch from reading - ch.market_at)::double precision) / hidden_s)) - coalesce(q.n, 0) as left_over
  from found f cross join setting
  join trust.standing s on s.claim_id = f.claim_id
  join board.claim c on c.id = s.claim_id
  join reigning ch on ch.slot = s.slot
  join claimant o on o.owner = s.owner
  left join trust.reign_standing rr on rr.claim_id = s.claim_id and rr.reign = ch.reign
  left join queried q on q.owner = s.owner and q.slot = s.slot
), waiting as (
  select *, row_number() over (partition by owner, slot, have = 0 order by priority desc, claim_id) as place from need where have < wanted
)
select claim_id, owner, slot, reign, champion, reign_at, salt, as_of, have, priority, wanted, retrace
from waiting where have > 0 or place <= left_over;

-- All of the above, from the records alone. Writers wait meanwhile; patterns are weighed again by and by.
create or replace function trust.rebuild_from_tables() returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  step double precision := trust.constant('ladder_step');
begin
  lock table board.experiment, board.attempt, board.claim, board.verdict, board.decision, board.answer, board.outcome, board.pattern in share mode;
  truncate trust.count, trust.count_change, trust.owner_tally, trust.owner_change, trust.standing, trust.reign_standing, trust.trial, trust.slot,
    trust.pattern_standing, trust.served, trust.served_block, trust.served_change;
  insert into trust.slot select distinct slot from board.claim;
  insert into trust.standing
  select r.claim_id, r.owner, r.slot, r.artifact, r.spec_digest, r.as_of, r.claimed_gain, trust.draw(c.salt, 'audit'), trust.draw(c.salt, 'queue'),
    r.checks, r.honest, r.verified_gain, r.verified_se, r.judged_at,
    trust.ladder(r.verified_gain, step), (floor(r.verified_se / step) + 1) * step, coalesce(m.moves, '{}'), m.moved_at
  from trust.claim_result r join board.claim c on c.id = r.claim_id
  left join (
    select claim_id, array_agg((owner, kind, honest, weight, market_at, claimed_gain, verified_gain, z)::trust.move order by kind, ref) as moves, max(market_at) as moved_at
    from trust.event where claim_id is not null group by claim_id
  ) m on m.claim_id = r.claim_id;
  insert into trust.owner_tally
  select t.* from (
    select owner, array_agg((m.owner, m.kind, m.honest, m.weight, m.market_at, m.claimed_gain, m.verified_gain, m.z)::trust.move) as moves
    from (select (unnest(s.moves)).* from trust.standing s) m group by owner
  ) o cross join lateral trust.changes(o.moves) t;
  insert into trust.reign_standing select * from trust.reign_state;
  insert into trust.trial select distinct c.slot, v.reign, c.artifact from board.verdict v join board.claim c on c.id = v.claim_id where v.finding = 'scored';
  insert into trust.count
  select 'experiment', '', count(*) from board.experiment having count(*) > 0
  union all select 'attempt', '', count(*) from board.attempt having count(*) > 0
  union all select 'verdict', '', count(*) from board.verdict having count(*) > 0
  union all select 'claim', owner, count(*) from trust.standing group by owner
  union all select 'trial', slot || ' ' || reign, count(*) from trust.trial group by slot, reign
  union all select 'child', d.slot || ' ' || p.digest, count(*) from board.decision d cross join lateral (select distinct unnest(d.parent_digests) as digest) p
    group by d.slot, p.digest
  union all select 'answered', '', count(*) from board.answer where status = 'answered' having count(*) > 0
  union all select 'scored', '', count(*) from board.outcome where miner = 'swarm' having count(*) > 0
  union all select 'invalid', '', count(*) from board.outcome where miner = 'swarm' and crps = -1 having count(*) > 0;
  insert into trust.served select * from trust.served_state;
  insert into trust.served_block
  select slot, artifact, block, sum(n), sum(crps), sum(reference_crps), sum(beside_n), sum(best_crps), sum(crps_beside_best)
  from trust.served group by slot, artifact, block;
  insert into trust.pattern_standing (pattern_id, scope, predicate, gain, sd, n_eff)
  select id, coalesce(slot, ''), jsonb_build_array(slot, family, knob, low, high)::text, 0, trust.constant('pattern_tau'), 0 from board.pattern order by id
  on conflict do nothing;
end $$;

select trust.rebuild();

revoke execute on function trust.conceived(uuid), trust.alike(uuid), trust.original(uuid) from public;
-- Views run functions with the rights of whoever asks.
grant execute on function trust.original(uuid) to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_miner,
  swarm_validator, swarm_feed, swarm_relay, swarm_reader;
grant execute on function trust.distance(double precision[], double precision[]) to public;
