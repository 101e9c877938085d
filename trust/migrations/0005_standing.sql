-- Standing: what the views summed over the whole history, kept in tables by the triggers of the records, in their transactions.
--
-- trust.claim_result, trust.event and trust.reign_result stay what they were: what the records say, worked out anew. Every table here
-- holds what one of them says, and trust.rebuild() makes all of it again from the records alone: after records were put there past the
-- triggers (restore, an administrator's load) and when a constant is changed. Nobody but these functions can write here.
--
-- Two writers never wait for each other. What many records add to is appended to a table of changes, which every 50th writer or so adds
-- up and empties; readers sum both. Sums are numeric, so that what is added and taken away again leaves nothing behind. The verdicts of
-- one claim do wait for each other: the second has to see the first.

insert into board.constant (name, value, unit, note) values
  ('pattern_evidence', 2000, 'claims', 'newest judged claims of a slot that its patterns are weighed against');

create table trust.count (
  name text not null,
  key text not null,
  n bigint not null,
  primary key (name, key)
);
create table trust.count_change (like trust.count);
comment on table trust.count is 'How many records of a kind: claim by owner, child by slot and spec, trial by slot and reign, others under no key. trust.counted sums it with what was not added up yet.';

create view trust.counted as
select name, key, sum(n)::bigint as n from (select * from trust.count union all select * from trust.count_change) c group by name, key;

-- Weights as of the month's first instant: a month ages as a whole, and stays far from overflow.
create table trust.owner_tally (
  owner text not null,
  kind text not null,
  month timestamptz not null,
  events bigint not null,
  dishonest bigint not null,
  scored bigint not null,
  honest_weight numeric not null,
  dishonest_weight numeric not null,
  pull numeric not null,
  mass numeric not null,
  primary key (owner, kind, month)
);
create table trust.owner_change (like trust.owner_tally);
comment on table trust.owner_tally is 'What trust.event says of claims and checks, summed by owner and month. pull and mass: numerator and denominator of shrink.';

-- What one claim moves: its own event and one for each check of it.
create type trust.move as (
  owner text, kind text, honest boolean, weight double precision, market_at timestamptz, claimed_gain double precision, verified_gain double precision
);

create table trust.slot (slot board.slot primary key);

create table trust.standing (
  claim_id uuid primary key,
  owner text not null,
  slot board.slot not null,
  artifact board.sha256 not null,
  spec_digest board.sha256 not null,
  as_of timestamptz not null,
  claimed_gain double precision not null,
  audit_draw double precision not null,
  queue_draw double precision not null,
  checks int not null default 0,
  honest boolean,
  verified_gain double precision,
  verified_se double precision,
  judged_at timestamptz,
  told_gain double precision,
  told_se double precision,
  moves trust.move[] not null default '{}',
  moved_at timestamptz
);
comment on table trust.standing is 'One row for each claim: what trust.claim_result says of it, and what it has added to tallies (moves).';
comment on column trust.standing.told_gain is 'as those who search are told it: on the ladder';
create index standing_told on trust.standing (slot, (told_gain - told_se) desc, spec_digest, claim_id) where honest;
create index standing_best on trust.standing (slot, told_gain desc, verified_gain desc) where honest;
create index standing_contender on trust.standing (slot, (verified_gain - verified_se) desc, spec_digest, claim_id) where honest;
create index standing_audit on trust.standing (owner, audit_draw) where checks = 0;
create index standing_promise on trust.standing (owner, slot, claimed_gain) where checks = 0;
create index standing_evidence on trust.standing (slot, judged_at desc, claim_id) where verified_gain is not null;
create index standing_moved on trust.standing (moved_at);

create table trust.reign_standing (
  claim_id uuid not null,
  reign int not null,
  slot board.slot not null,
  artifact board.sha256 not null,
  checks int not null,
  refusals int not null,
  champion_t double precision,
  champion_crps double precision,
  difference_sd double precision,
  spread double precision not null,
  -- May need another verdict, if its owner is trusted enough.
  open boolean not null,
  primary key (claim_id, reign)
);
comment on table trust.reign_standing is 'What trust.reign_result says of a claim in one reign.';
create index reign_standing_open on trust.reign_standing (slot, reign) where open;
create index reign_standing_screen on trust.reign_standing (slot, reign, champion_t);

create table trust.trial (
  slot board.slot,
  reign int,
  artifact board.sha256,
  primary key (slot, reign, artifact)
);
comment on table trust.trial is 'Artifacts that were scored in a reign.';

create table trust.pattern_standing (
  pattern_id uuid primary key,
  -- Empty: of every slot.
  scope text not null,
  predicate text not null unique,
  gain double precision not null,
  sd double precision not null,
  n_eff double precision not null,
  lot double precision not null default random(),
  weighed_at timestamptz
);
comment on table trust.pattern_standing is 'What trust.pattern_weight said of a pattern when it was last weighed; of patterns with the same predicate the first one stands.';
create index pattern_standing_strong on trust.pattern_standing (scope, (gain / sd));
create index pattern_standing_lot on trust.pattern_standing (scope, lot);
create index pattern_standing_due on trust.pattern_standing (weighed_at nulls first);

-- Scored answers by champion and by blocks of six horizons, as fleet.served takes them.
create table trust.served_block (
  slot board.slot not null,
  artifact board.sha256 not null,
  block bigint not null,
  n bigint not null,
  crps numeric not null,
  reference_crps numeric not null,
  beside_n bigint not null,
  best_crps numeric not null,
  crps_beside_best numeric not null,
  primary key (slot, artifact, block)
);
create table trust.served_change (like trust.served_block);
-- What a prompt has added there.
create table trust.served (
  prompt_id uuid not null,
  like trust.served_block,
  primary key (prompt_id, artifact)
);

-- Whose turn it is with a prompt. A row that is changed, not only locked: a transaction with one snapshot, which would not
-- see what the one before it wrote, is then refused as not serializable.
create table trust.served_turn (
  prompt_id uuid primary key,
  turns int not null
);

create table trust.folding (id boolean primary key default true check (id));
insert into trust.folding default values;

-- Adds up what was appended. One at a time, and whoever comes second leaves it.
create function trust.fold() returns void
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
  select owner, kind, month, sum(events), sum(dishonest), sum(scored), sum(honest_weight), sum(dishonest_weight), sum(pull), sum(mass)
  from gone group by owner, kind, month
  on conflict (owner, kind, month) do update set events = t.events + excluded.events, dishonest = t.dishonest + excluded.dishonest,
    scored = t.scored + excluded.scored, honest_weight = t.honest_weight + excluded.honest_weight,
    dishonest_weight = t.dishonest_weight + excluded.dishonest_weight, pull = t.pull + excluded.pull, mass = t.mass + excluded.mass;
  with gone as (delete from trust.served_change returning *)
  insert into trust.served_block as b
  select slot, artifact, block, sum(n), sum(crps), sum(reference_crps), sum(beside_n), sum(best_crps), sum(crps_beside_best)
  from gone group by slot, artifact, block
  on conflict (slot, artifact, block) do update set n = b.n + excluded.n, crps = b.crps + excluded.crps,
    reference_crps = b.reference_crps + excluded.reference_crps, beside_n = b.beside_n + excluded.beside_n,
    best_crps = b.best_crps + excluded.best_crps, crps_beside_best = b.crps_beside_best + excluded.crps_beside_best;
end $$;

create view trust.served_state as
select prompt_id, slot, artifact, floor(extract(epoch from start_at) / (6 * length_s))::bigint as block, count(*) as n, sum(crps::numeric) as crps,
  sum(reference_crps::numeric) as reference_crps, count(best_crps) as beside_n, coalesce(sum(best_crps::numeric), 0) as best_crps,
  coalesce(sum(crps::numeric) filter (where best_crps is not null), 0) as crps_beside_best
from fleet.served_prompt group by prompt_id, slot, artifact, start_at, length_s;

-- Answers and outcomes of one prompt come one after the other, until the transaction ends.
create function trust.take_turn(prompts uuid[]) returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  insert into trust.served_turn as t select distinct id, 1 from unnest(prompts) id order by id
  on conflict (prompt_id) do update set turns = t.turns + 1
$$;

-- What these prompts add, as their answers and outcomes are now; the caller has their turn.
create function trust.serve(prompts uuid[]) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  with gone as (delete from trust.served where prompt_id = any(prompts) returning *)
  insert into trust.served_change select slot, artifact, block, -n, -crps, -reference_crps, -beside_n, -best_crps, -crps_beside_best from gone;
  with made as (insert into trust.served select * from trust.served_state where prompt_id = any(prompts) returning *)
  insert into trust.served_change select slot, artifact, block, n, crps, reference_crps, beside_n, best_crps, crps_beside_best from made;
end $$;

-- As a share of what it is on the month's first instant; the power stays a number whatever the half-life is set to.
create function trust.grown(market_at timestamptz, half_life_days double precision) returns double precision
language sql stable parallel safe as $$
  select 2 ^ least(900, extract(epoch from market_at - date_trunc('month', market_at, 'UTC'))::double precision / 86400 / half_life_days)
$$;

-- What moves add to tallies; one that is taken back adds the opposite.
create function trust.changes(moves trust.move[]) returns setof trust.owner_tally
language sql stable set search_path = pg_catalog, pg_temp as $$
  select m.owner, m.kind, date_trunc('month', m.market_at, 'UTC'), count(*), count(*) filter (where not m.honest), count(m.verified_gain),
    coalesce(sum(round((m.weight * g.grown)::numeric, 30)) filter (where m.honest), 0),
    coalesce(sum(round((m.weight * g.grown)::numeric, 30)) filter (where not m.honest), 0),
    coalesce(sum(round((m.weight * m.claimed_gain * trust.ladder(m.verified_gain, trust.constant('ladder_step')))::numeric, 30)), 0),
    coalesce(sum(round((m.weight * m.claimed_gain ^ 2)::numeric, 30)) filter (where m.verified_gain is not null), 0)
  from unnest(moves) m cross join lateral (select trust.grown(m.market_at, trust.constant('half_life_days')) as grown) g
  group by m.owner, m.kind, date_trunc('month', m.market_at, 'UTC')
$$;

-- The claim's own column in front of what trust.event had, so that one claim's events are worked out without the others'.
create or replace view trust.event as
with result as not materialized (select * from trust.claim_result where checks > 0)
select owner, 'claims' as kind, claim_id as ref, honest, informativeness as weight, judged_at as market_at, claimed_gain, verified_gain, claim_id
from result where honest is not null
union all
select v.owner, 'checks', v.id,
  case when v.finding = 'refused' then r.refusals * 2 > r.checks
    else r.refusals * 2 < r.checks and abs(v.verified_gain - r.verified_gain) <= (select trust.constant('verdict_tolerance')) end,
  1, v.market_at, null, null, r.claim_id
from result r join trust.first_verdict v on v.claim_id = r.claim_id
where r.checks >= 2 and r.refusals * 2 <> r.checks
  and (r.refusals * 2 > r.checks or r.checks - r.refusals >= 3 or r.spread <= (select trust.constant('verdict_tolerance')))
union all
select a.owner, 'promotions', p.id, coalesce(n.kind, '') <> 'rollback', 1, p.market_at, null, null, null
from board.promotion p
join board.agent a on a.id = p.agent_id
left join board.promotion n on n.slot = p.slot and n.reign = p.reign + 1
where p.kind <> 'found'
  and (n.id is not null or p.market_at < market.now() - (select trust.constant('publisher_survival_days')) * interval '24 hours');

-- What a claim's row in trust.reign_standing is.
create view trust.reign_state as
select r.claim_id, r.reign, c.slot, c.artifact, r.checks::int as checks, r.refusals::int as refusals, r.champion_t, r.champion_crps, r.difference_sd, r.spread,
  coalesce(r.checks between 1 and 2 and (r.spread > trust.constant('verdict_tolerance') or r.refusals * 2 = r.checks)
    or r.checks > r.refusals and r.champion_t > trust.constant('contender_t') and r.checks < trust.constant('checks_to_promote'), false) as open
from trust.reign_result r join board.claim c on c.id = r.claim_id;

-- A claim's place in the tables, from its verdicts as they are now. Verdicts of one claim come here one after the other.
create function trust.settle(claim uuid) returns void
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
  select coalesce(array_agg((e.owner, e.kind, e.honest, e.weight, e.market_at, e.claimed_gain, e.verified_gain)::trust.move order by e.kind, e.ref), '{}')
    into becomes from trust.event e where e.claim_id = claim;
  if was is distinct from becomes then
    insert into trust.owner_change
    select owner, kind, month, sum(events), sum(dishonest), sum(scored), sum(honest_weight), sum(dishonest_weight), sum(pull), sum(mass)
    from (
      select * from trust.changes(becomes)
      union all
      select owner, kind, month, -events, -dishonest, -scored, -honest_weight, -dishonest_weight, -pull, -mass from trust.changes(was)
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

create function trust.note() returns trigger
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
      for one in select distinct claim_id from inserted order by claim_id loop
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

do $$
declare
  kind text;
begin
  foreach kind in array array['experiment', 'attempt', 'claim', 'verdict', 'decision', 'answer', 'outcome', 'pattern'] loop
    execute format('create trigger note after insert on board.%I referencing new table as inserted for each statement execute function trust.note()', kind);
  end loop;
end $$;

-- Events that lie ahead of the market, where its clock was set back, count as of now: what their month says too much of them.
create or replace view trust.owner as
with clock as (
  select market.now() as reading, trust.constant('half_life_days') as half_life_days, trust.constant('ladder_step') as step,
    trust.constant('prior_alpha') as prior_alpha, trust.constant('prior_beta') as prior_beta, trust.constant('lie_weight') as lie_weight,
    trust.constant('bound_z') as bound_z, trust.constant('audit_floor') as audit_floor
), part as (
  select t.owner, t.kind, t.events, t.dishonest, t.scored, t.honest_weight * d.decay as honest_weight, t.dishonest_weight * d.decay as dishonest_weight, t.pull, t.mass
  from (
    select owner, kind, month, events, dishonest, scored, honest_weight::double precision, dishonest_weight::double precision, pull, mass from trust.owner_tally
    union all
    select owner, kind, month, events, dishonest, scored, honest_weight::double precision, dishonest_weight::double precision, pull, mass from trust.owner_change
  ) t cross join clock cross join lateral (select trust.decay(reading - t.month, half_life_days) as decay) d
  union all
  select m.owner, m.kind, 0, 0, 0, case when m.honest then w.over else 0 end, case when m.honest then 0 else w.over end, 0, 0
  from clock join trust.standing s on s.moved_at > reading cross join unnest(s.moves) m
  cross join lateral (select m.weight * (1 - trust.grown(m.market_at, half_life_days)
    * trust.decay(reading - date_trunc('month', m.market_at, 'UTC'), half_life_days)) as over) w
  where m.market_at > reading
  union all
  select e.owner, e.kind, 1, (not e.honest)::int, 0, case when e.honest then w.weight else 0 end, case when e.honest then 0 else w.weight end, 0, 0
  from trust.event e cross join clock cross join lateral (select e.weight * trust.decay(reading - e.market_at, half_life_days) as weight) w
  where e.kind = 'promotions'
), tally as (
  select owner, kind, sum(events)::bigint as events, sum(dishonest)::bigint as dishonest, sum(honest_weight) as honest_weight,
    sum(dishonest_weight) as dishonest_weight, case when sum(scored) > 0 then (sum(pull) / nullif(sum(mass), 0))::double precision end as shrink
  from part group by owner, kind
), member as (
  select distinct owner, trust.kind_of(role) as kind from board.agent where trust.kind_of(role) is not null
), scored as (
  select m.owner, m.kind, coalesce(t.events, 0) as events, coalesce(t.dishonest, 0) as dishonest,
    prior_alpha + coalesce(t.honest_weight, 0) as alpha,
    prior_beta + lie_weight * coalesce(t.dishonest_weight, 0) as beta,
    t.shrink, bound_z, audit_floor
  from member m cross join clock
  left join tally t on t.owner = m.owner and t.kind = m.kind
)
select owner, kind, events, dishonest, alpha, beta, shrink, trust.score(alpha, beta, bound_z) as trust,
  greatest(audit_floor, 1 - trust.score(alpha, beta, bound_z)) as audit_probability
from scored;

-- As before, from what stands: claims that may need a verdict are found by index, and then asked what they need.
create or replace view trust.check_need as
with setting as (
  select trust.constant('verdict_tolerance') as verdict_tolerance, trust.constant('contender_t') as contender_t,
    trust.constant('min_challenger_trust') as min_challenger_trust, trust.constant('checks_to_promote') as checks_to_promote,
    trust.constant('contenders') as contenders, market.now() - trust.constant('contender_days') * interval '24 hours' as contender_from
), claimant as materialized (
  select owner, trust, shrink, alpha / (alpha + beta) as honesty, audit_probability from trust.owner where kind = 'claims'
), reigning as materialized (
  select ch.*, coalesce((select s.verified_gain from trust.standing s where s.slot = ch.slot and s.honest order by s.told_gain desc, s.verified_gain desc limit 1), 0) as best_gain
  from trust.champion ch
), found as (
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
      -- Known and good, but not measured against this champion yet.
      when s.honest and rr.checks is null and s.as_of > contender_from and s.claim_id in (select p.claim_id from placed p) then 1
      -- Never judged, and by what its owner's word has been worth so far better than anything verified: it may challenge.
      when s.checks = 0 and o.trust >= min_challenger_trust and o.shrink * s.claimed_gain > ch.best_gain then 1
      -- Never judged: audited with a probability that trust lowers and nobody can foresee.
      when s.checks = 0 and s.audit_draw < o.audit_probability then 1
      else 0
    end as wanted
  from found f cross join setting
  join trust.standing s on s.claim_id = f.claim_id
  join board.claim c on c.id = s.claim_id
  join reigning ch on ch.slot = s.slot
  join claimant o on o.owner = s.owner
  left join trust.reign_standing rr on rr.claim_id = s.claim_id and rr.reign = ch.reign
)
select * from need where have < wanted;

create or replace view trust.screen as
with setting as (
  select trust.constant('screen_floor_t') as floor_t, trust.constant('checks_to_promote') as checks_to_promote,
    trust.constant('verdict_tolerance') as verdict_tolerance, trust.constant('min_challenger_trust') as min_challenger_trust
), threshold as materialized (
  select ch.slot, ch.reign, t.n as trials, greatest(floor_t, trust.expected_maximum(t.n)) as screen_threshold
  from trust.champion ch cross join setting join trust.counted t on t.name = 'trial' and t.key = ch.slot || ' ' || ch.reign
), owner as materialized (
  select owner, trust from trust.owner where kind = 'claims'
)
select rr.claim_id, ch.slot, ch.reign, rr.artifact, c.family, s.owner, o.trust, rr.checks::bigint as checks, t.trials,
  rr.champion_t as screen_t, t.screen_threshold, rr.champion_crps as scale, rr.difference_sd as sd,
  rr.refusals = 0 and rr.checks >= checks_to_promote and rr.spread <= verdict_tolerance and o.trust >= min_challenger_trust
    and rr.champion_t > t.screen_threshold as passed
from trust.champion ch cross join setting
join threshold t on t.slot = ch.slot and t.reign = ch.reign
join trust.reign_standing rr on rr.slot = ch.slot and rr.reign = ch.reign and rr.artifact <> ch.artifact
join trust.standing s on s.claim_id = rr.claim_id
join board.claim c on c.id = rr.claim_id
join owner o on o.owner = s.owner;

-- Against the newest judged claims of each slot: markets change, and a pattern must be weighed in bounded time.
create or replace view trust.pattern_weight as
with setting as (
  select trust.constant('pattern_tau') as tau, trust.constant('ladder_step') as step, trust.constant('pattern_evidence') as most
), result as materialized (
  select r.owner, r.slot, c.spec, r.verified_gain, greatest(r.verified_se, 1e-4) ^ 2 as variance
  from setting cross join trust.slot l
  cross join lateral (select * from trust.standing s where s.slot = l.slot and s.verified_gain is not null
    order by s.judged_at desc, s.claim_id limit setting.most::bigint) r
  join board.claim c on c.id = r.claim_id
), believed as materialized (
  select owner, trust from trust.owner where kind = 'claims'
)
select p.id as pattern_id, a.owner, p.slot, p.family, p.knob, p.low, p.high, p.direction, p.effect, p.note, p.market_at,
  trust.ladder(coalesce(w.pull / w.precision, 0), step) as gain,
  coalesce(1 / sqrt(w.precision), tau) as sd,
  coalesce(w.n_eff, 0) as n_eff
from board.pattern p cross join setting
join board.agent a on a.id = p.agent_id
cross join lateral (
  with evidence as materialized (
    select r.owner, r.slot, r.verified_gain, r.variance,
      trust.matches(r.spec, r.slot, p.slot, p.family, p.knob, p.low, p.high) as hit
    from result r where p.slot is null or p.slot = r.slot
  ), control as materialized (
    select slot, sum(verified_gain / variance) / sum(1 / variance) as mean, 1 / sum(1 / variance) as variance
    from evidence where not hit group by slot
  ), per_owner as (
    select e.owner, sum((e.verified_gain - c.mean) / (e.variance + c.variance)) / sum(1 / (e.variance + c.variance)) as gain,
      1 / sum(1 / (e.variance + c.variance)) as variance
    from evidence e join control c on c.slot = e.slot where e.hit group by e.owner
  )
  select sum(o.trust * g.gain / (g.variance + tau ^ 2)) as pull, sum(o.trust / (g.variance + tau ^ 2)) + 1 / tau ^ 2 as precision,
    sum(o.trust) ^ 2 / nullif(sum(o.trust ^ 2), 0) as n_eff
  from per_owner g join believed o on o.owner = g.owner
) w;

create or replace view trust.known_spec as
select s.claim_id, s.slot, c.family, c.spec, s.spec_digest, s.owner, o.trust, s.told_gain as verified_gain, s.told_se as verified_se,
  coalesce((select n from trust.counted k where k.name = 'child' and k.key = s.slot || ' ' || s.spec_digest), 0) as children
from trust.standing s
join board.claim c on c.id = s.claim_id
join trust.owner o on o.owner = s.owner and o.kind = 'claims'
where s.honest;

-- What a briefing draws from.
create view trust.told_pattern as
select p.id as pattern_id, p.slot, p.family, p.knob, p.low, p.high, s.scope, s.gain, s.sd, s.lot
from trust.pattern_standing s join board.pattern p on p.id = s.pattern_id;

-- Weighs patterns that never were, then the ones that were weighed longest ago, for about so long. Returns how many.
create function trust.weigh(budget_ms double precision) returns int
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  began timestamptz := clock_timestamp();
  due uuid[];
  done int := 0;
begin
  loop
    select array_agg(pattern_id) into due
    from (select pattern_id from trust.pattern_standing where weighed_at is null or weighed_at < began
      order by weighed_at nulls first limit 20 for update skip locked) d;
    exit when due is null;
    update trust.pattern_standing s set gain = w.gain, sd = w.sd, n_eff = w.n_eff, weighed_at = clock_timestamp()
    from trust.pattern_weight w where w.pattern_id = any(due) and s.pattern_id = w.pattern_id;
    done := done + cardinality(due);
    exit when extract(epoch from clock_timestamp() - began) * 1000 > budget_ms;
  end loop;
  return done;
end $$;

-- All of the above, from the records alone. Writers wait meanwhile; patterns are weighed again by and by.
create function trust.rebuild() returns void
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
    select claim_id, array_agg((owner, kind, honest, weight, market_at, claimed_gain, verified_gain)::trust.move order by kind, ref) as moves, max(market_at) as moved_at
    from trust.event where claim_id is not null group by claim_id
  ) m on m.claim_id = r.claim_id;
  insert into trust.owner_tally
  select t.* from (
    select owner, array_agg((m.owner, m.kind, m.honest, m.weight, m.market_at, m.claimed_gain, m.verified_gain)::trust.move) as moves
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

-- A changed number changes what stands.
create function trust.on_constant() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  perform trust.rebuild();
  return null;
end $$;
create trigger rebuilt after update on board.constant for each statement execute function trust.on_constant();

create or replace view fleet.owners as
select o.owner, o.kind, o.trust, o.shrink, o.audit_probability,
  case when o.kind = 'claims' then coalesce(c.n, 0) else 0 end as claims,
  o.events as verified, o.dishonest as over_claims
from trust.owner o left join trust.counted c on c.name = 'claim' and c.key = o.owner order by o.owner, o.kind;

create or replace view fleet.counts as
with total as (select name, sum(n)::bigint as n from trust.counted where name in ('experiment', 'attempt', 'claim', 'verdict', 'answered', 'scored', 'invalid') group by name)
select coalesce((select n from total where name = 'experiment'), 0) as experiments,
  coalesce((select n from total where name = 'attempt'), 0) as attempts_failed,
  coalesce((select n from total where name = 'claim'), 0) as claims,
  coalesce((select n from total where name = 'verdict'), 0) as verdicts,
  (select count(*) from board.promotion where kind = 'promote') as promotions,
  (select count(*) from board.promotion where kind = 'rollback') as rollbacks,
  coalesce((select n from total where name = 'answered'), 0) as prompts_answered,
  coalesce((select n from total where name = 'scored'), 0) as prompts_scored,
  coalesce((select n from total where name = 'invalid'), 0) as invalid_answers;

-- As before, from blocks. What was promoted may change with a promotion and is asked when it is read.
create or replace view fleet.served as
with part as (
  select slot, artifact, block, sum(n) as n, sum(crps) as crps, sum(reference_crps) as reference_crps, sum(beside_n) as beside_n,
    sum(best_crps) as best_crps, sum(crps_beside_best) as crps_beside_best
  from (select * from trust.served_block union all select * from trust.served_change) b group by slot, artifact, block having sum(n) > 0
), marked as (
  select p.*, (p.slot, p.artifact) in (select m.slot, m.artifact from board.promotion m where m.kind <> 'found') as promoted from part p
), every as (
  select m.*, bool_or(m.promoted) over (partition by m.slot) as any_promoted from marked m
), block as (
  select slot, block, bool_or(promoted) as promoted, sum(n) as n, sum(crps) as crps, sum(reference_crps) as reference_crps, sum(beside_n) as beside_n,
    sum(best_crps) as best_crps, sum(crps_beside_best) as crps_beside_best
  from every where promoted = any_promoted group by slot, block
)
select slot, bool_or(promoted) as promoted, sum(n)::bigint as n, (sum(crps) / sum(n))::double precision as mean_crps,
  (sum(reference_crps) / sum(n))::double precision as reference_mean_crps,
  (sum(reference_crps - crps) / sum(n))::double precision as diff,
  case when count(*) >= 3 then stddev_samp(((reference_crps - crps) / n)::double precision) / sqrt(count(*)) end as diff_se,
  count(*) as blocks, (sum(best_crps) / nullif(sum(beside_n), 0))::double precision as best_crps,
  (sum(crps_beside_best) / nullif(sum(beside_n), 0))::double precision as mean_crps_beside_best
from block group by slot;

select trust.rebuild();

revoke execute on function trust.fold(), trust.take_turn(uuid[]), trust.serve(uuid[]), trust.settle(uuid), trust.note(), trust.changes(trust.move[]), trust.weigh(double precision), trust.rebuild(), trust.on_constant()
  from public;
grant execute on function trust.weigh(double precision) to swarm_publisher;
grant select on trust.told_pattern to swarm_explorer, swarm_optimizer;
grant select on all tables in schema trust to swarm_checker, swarm_publisher, swarm_reader;
