// The partitions of the records that have them, for those who work past their tables' triggers.
import type pg from 'pg';

/** Partitions of a table of schema board, or of all its tables, by name. */
export async function partitionsOf(admin: pg.Client, table: string | null = null): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_inherits i on i.inhrelid = c.oid join pg_class p on p.oid = i.inhparent
     where p.relnamespace = 'board'::regnamespace and p.relkind = 'p' and c.relkind = 'r' and ($1::text is null or p.relname = $1)`,
    [table],
  );
  return rows.map((r) => r.name);
}
