// What came of this agent's decisions, as the router takes it: verified gains through the ladder of trust.told_spec, and costs.
// A claim that no checker has judged yet says nothing; everything else that led to no verified gain counts as none.
import { sql } from 'kysely';
import type { Db } from '../../blackboard/db.js';
import { sha256Hex } from '../../forecast/canonical.js';
import type { History } from './router.js';
import type { TaskKind } from './settings.js';

/** Markets change, and so do models behind a name: older decisions say little. */
const NEWEST = 200;

interface Row {
  readonly by_model: boolean;
  readonly model: string | null;
  readonly strategy: string | null;
  readonly temperature: number | null;
  readonly task: string | null;
  readonly cost_usd: number;
  readonly family: string;
  readonly parents: string[];
  readonly move: string;
  readonly verified_gain: number | null;
  readonly pending: boolean;
}

/** Of decisions of one kind; those in which nobody was asked count for every kind. */
export async function historyOf(db: Db, agent_id: string, kind: TaskKind): Promise<History> {
  const { rows } = await sql<Row>`
    select d.strategist = 'llm' as by_model, c.model, c.strategy, c.temperature, c.task, coalesce(c.cost_usd, 0)::float8 as cost_usd,
      d.spec ->> 'family' as family, d.parent_digests as parents, d.move,
      greatest(k.verified_gain, 0) as verified_gain, cl.id is not null and v.judged is null as pending
    from (select * from board.decision where agent_id = ${agent_id} order by id desc limit ${NEWEST}) d
    left join lateral (
      select (array_agg(model order by at desc))[1] as model, (array_agg(strategy order by at desc))[1] as strategy,
        (array_agg(temperature order by at desc))[1] as temperature,
        (array_agg(task order by at desc))[1] as task, sum(cost_usd) as cost_usd
      from board.llm_call where thought = d.thought) c on true
    left join board.experiment e on e.decision_id = d.id
    left join board.claim cl on cl.experiment_id = e.id
    left join trust.told_spec k on k.claim_id = cl.id
    left join lateral (select true as judged from board.verdict v where v.claim_id = cl.id limit 1) v on true
    order by d.id desc`.execute(db);
  const settled = rows.filter((r) => !r.pending);
  return {
    judged: settled
      .filter((r) => r.model !== null && r.task === kind)
      .map((r) => ({
        model: r.model!,
        strategy: r.strategy!,
        temperature: r.temperature!,
        // What evolution proposed in a model's place is not the model's gain, but its cost is its own.
        gain: r.by_model ? (r.verified_gain ?? 0) : 0,
        cost_usd: r.cost_usd,
      })),
    without: settled.filter((r) => r.model === null).map((r) => r.verified_gain ?? 0),
    behaviour: rows
      .filter((r) => r.by_model)
      .map((r) => ({
        digest: sha256Hex(JSON.stringify([r.family, r.move, [...r.parents].sort()])),
        gained: (r.verified_gain ?? 0) > 0,
      })),
  };
}
