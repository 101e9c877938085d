-- The archive: months of finished records that were moved to the artifact store, and what must stay known of them here.
--
-- An archive is one month of records under one manifest. Its rows leave the tables in the transaction that writes it down, and come
-- back in the transaction that writes down its return; an archive that was returned may be made again. Only the administrator
-- archives (blackboard/archive.ts); what is counted over records adds what the archive took (board.archived).

create table board.archive (
  id uuid primary key default board.new_id(),
  at timestamptz not null default clock_timestamp(),
  month date not null check (extract(day from month) = 1),
  manifest board.sha256 not null,
  rows bigint not null check (rows > 0)
);
comment on table board.archive is 'A month of finished records, moved to the artifact store under the manifest with this digest.';

create table board.archive_total (
  archive_id uuid not null references board.archive,
  name text not null,
  key text not null,
  n bigint not null check (n > 0),
  primary key (archive_id, name, key)
);
comment on table board.archive_total is 'What an archive took: rows of a kind under no key; decision also by agent (decision of), child by slot and parent spec.';

create table board.archive_return (
  archive_id uuid primary key references board.archive,
  at timestamptz not null default clock_timestamp()
);
comment on table board.archive_return is 'An archive whose rows are in the tables again.';

create view board.archived as
select t.name, t.key, sum(t.n)::bigint as n
from board.archive_total t
where not exists (select from board.archive_return r where r.archive_id = t.archive_id)
group by t.name, t.key;
comment on view board.archived is 'What is in the archive and not in the tables, by the names of board.archive_total.';

do $$
declare
  kind text;
begin
  foreach kind in array array['archive', 'archive_total', 'archive_return'] loop
    execute format('create trigger append_only before update or delete or truncate on board.%I
      for each statement execute function board.refuse_change()', kind);
    execute format('alter table board.%I enable row level security', kind);
    execute format('create policy readable on board.%I for select using (true)', kind);
    execute format('grant select on board.%I to swarm_checker, swarm_publisher, swarm_reader', kind);
  end loop;
end $$;
grant select on board.archived to swarm_explorer, swarm_optimizer, swarm_checker, swarm_publisher, swarm_reader;

-- What refers to a record that may leave: without these each one that leaves would read a whole table.
create index decision_by_briefing on board.decision (briefing_id);
create index experiment_by_decision on board.experiment (decision_id);
create index attempt_by_decision on board.attempt (decision_id) where decision_id is not null;
create index llm_call_by_decision on board.llm_call (decision_id) where decision_id is not null;
create index compute_job_by_decision on board.compute_job (decision_id) where decision_id is not null;
