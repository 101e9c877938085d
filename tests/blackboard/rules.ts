// Rules of the tables that a test may set aside where it invents what no agent of ours would write.
import type pg from 'pg';

const RULES = {
  turns: { lease: 'b_turn', verdict: 'asked' },
  gate: { challenger: 'alpha', promotion: 'gate' },
} as const;

/** The triggers of trust/migrations/0008_rules.sql: who checks, and what the gate lets through. */
export async function setRules(
  admin: pg.Client,
  what: 'enable' | 'disable',
  rules: readonly (keyof typeof RULES)[] = ['turns', 'gate'],
): Promise<void> {
  for (const rule of rules)
    for (const [table, trigger] of Object.entries(RULES[rule]))
      await admin.query(`alter table board.${table} ${what} trigger ${trigger}`);
}
