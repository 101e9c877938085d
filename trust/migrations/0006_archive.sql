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
