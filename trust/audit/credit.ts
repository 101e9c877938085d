// Is the credit that the views give what the lineages say? Worked out anew, promotion by promotion, from the gate's steps, decisions and
// briefings, by the rules of docs/trust-reference.md. What a pattern weighed when it was last weighed is taken as it is kept.
import type { Constants } from '../constants.js';
import { type Audit, rowsOf } from './finding.js';

const NEAR = 1e-9;
/** Steps down a lineage that are followed: what is left after them is a four-thousandth. */
const DEPTH = 12;

interface PromotionRow {
  readonly id: string;
  /** The claim that it was promoted for, or the one that this is a copy of. */
  readonly claim_id: string | null;
  readonly scale: number;
  readonly windows: number;
  readonly steps: readonly { champion_crps: number; challenger_crps: number }[];
  readonly stated: readonly { source: string; owner: string; credit: number }[];
}

/** A claim with what its model was made from. */
interface Origin {
  readonly owner: string;
  readonly sources: readonly Source[];
}
type Source = { readonly claim: string } | { readonly pattern: string; readonly owner: string };

interface PatternRow {
  readonly id: string;
  readonly owner: string;
  readonly slot: string | null;
  readonly family: string | null;
  readonly knob: string | null;
  readonly low: number | null;
  readonly high: number | null;
}

export async function auditCredit(audit: Audit, constant: Constants): Promise<void> {
  const lineage = new Lineage(audit);
  const promotions = rowsOf<PromotionRow>(
    audit.client,
    `select p.id, coalesce(trust.original(c.claim_id), c.claim_id) as claim_id, c.scale, p.windows,
       (select coalesce(json_agg(json_build_object('champion_crps', g.champion_crps, 'challenger_crps', g.challenger_crps) order by g.start_at), '[]')
        from board.gate_step g where g.challenger_id = c.id) as steps,
       (select coalesce(json_agg(json_build_object('source', k.source, 'owner', k.owner, 'credit', k.credit)), '[]') from (
          select coalesce(f.claim_id, f.pattern_id) as source, f.owner, sum(f.credit) as credit from trust.credit f
          where f.promotion_id = p.id group by 1, 2) k) as stated
     from board.promotion p join board.challenger c on c.id = p.challenger_id
     left join board.promotion n on n.slot = p.slot and n.reign = p.reign + 1 where p.kind = 'promote' and coalesce(n.kind, '') <> 'rollback'`,
  );
  for await (const row of promotions) {
    audit.checked('credit');
    const due = await shares(row, lineage, constant('credit_share'));
    const stated = new Map(row.stated.map((s) => [`${s.source} of ${s.owner}`, s.credit]));
    for (const of of new Set([...due.keys(), ...stated.keys()])) {
      const [known, said] = [due.get(of) ?? 0, stated.get(of) ?? 0];
      if (Math.abs(known - said) > NEAR * Math.max(1, Math.abs(known)))
        audit.found({
          kind: 'credit',
          id: row.id,
          reason: `the views give ${said} to ${of}, and the history makes ${known}`,
        });
    }
  }
}

/** What comes to each source of a promotion, by source and owner. */
async function shares(row: PromotionRow, lineage: Lineage, share: number): Promise<Map<string, number>> {
  const out = new Map<string, number>();
  const give = (of: string, owner: string, credit: number): unknown =>
    out.set(`${of} of ${owner}`, (out.get(`${of} of ${owner}`) ?? 0) + credit);
  let flow = new Map(row.claim_id === null ? [] : [[row.claim_id, worth(row)]]);
  for (let depth = 0; flow.size > 0; depth++) {
    const next = new Map<string, number>();
    for (const [claim, amount] of flow) {
      const { owner, sources } = await lineage.of(claim);
      const passes = depth < DEPTH && sources.length > 0;
      give(claim, owner, passes ? amount * (1 - share) : amount);
      if (!passes || amount === 0) continue;
      const each = (amount * share) / sources.length;
      for (const source of sources)
        if ('claim' in source) next.set(source.claim, (next.get(source.claim) ?? 0) + each);
        else give(source.pattern, source.owner, each);
    }
    flow = next;
  }
  return out;
}

function worth({ steps, scale, windows }: PromotionRow): number {
  const counted = steps.slice(0, windows);
  if (counted.length === 0) return 0;
  const gain = counted.reduce((sum, s) => sum + (s.champion_crps - s.challenger_crps) / scale, 0);
  return Math.max(0, gain / counted.length);
}

/** Claims and what they were made from, each read once. Instants are compared where they were written: a date here has no microseconds. */
class Lineage {
  readonly #audit: Audit;
  readonly #known = new Map<string, Origin>();

  constructor(audit: Audit) {
    this.#audit = audit;
  }

  async of(claim: string): Promise<Origin> {
    const known = this.#known.get(claim) ?? (await this.#read(claim));
    this.#known.set(claim, known);
    return known;
  }

  async #read(claim: string): Promise<Origin> {
    const { client } = this.#audit;
    const { rows } = await client.query<{ owner: string; slot: string; spec: Record<string, unknown> }>(
      'select a.owner, c.slot, c.spec from board.claim c join board.agent a on a.id = c.agent_id where c.id = $1',
      [claim],
    );
    const { owner, slot, spec } = rows[0]!;
    const { rows: parents } = await client.query<{ id: string }>(
      `select distinct f.id from board.claim c
       join board.experiment e on e.id = c.experiment_id join board.decision d on d.id = e.decision_id
       join board.briefing b on b.id = d.briefing_id
       cross join unnest(d.parent_digests) as digest cross join lateral (
         select o.id, coalesce(m.at, o.at) as conceived from board.claim o
         left join board.experiment x on x.id = o.experiment_id left join board.decision m on m.id = x.decision_id
         where o.slot = c.slot and o.spec_digest = digest order by 2, 1 limit 1) f
       where c.id = $1 and f.id <> c.id and f.conceived < d.at`,
      [claim],
    );
    // Of patterns that say the same the first one stands, and what verdicts showed of it.
    const { rows: told } = await client.query<PatternRow>(
      `select distinct s.pattern_id as id, a.owner, t.slot, t.family, t.knob, t.low, t.high
       from board.claim c join board.experiment e on e.id = c.experiment_id join board.decision d on d.id = e.decision_id
       join board.briefing b on b.id = d.briefing_id cross join jsonb_array_elements(b.items) i
       join board.pattern t on t.id::text = i ->> 'id' and t.at < d.at
       join trust.pattern_standing s on s.predicate = jsonb_build_array(t.slot, t.family, t.knob, t.low, t.high)::text and s.gain > 0
       join board.pattern f on f.id = s.pattern_id join board.agent a on a.id = f.agent_id
       where c.id = $1 and i ->> 'kind' like '%pattern'`,
      [claim],
    );
    return {
      owner,
      sources: [
        ...parents.map((p) => ({ claim: p.id })),
        ...told.filter((p) => holds(p, slot, spec)).map((p) => ({ pattern: p.id, owner: p.owner })),
      ],
    };
  }
}

function holds(p: PatternRow, slot: string, spec: Readonly<Record<string, unknown>>): boolean {
  if (p.slot !== null && p.slot !== slot) return false;
  if (p.family !== null && p.family !== spec['family']) return false;
  if (p.knob === null) return true;
  const value = spec[p.knob];
  return typeof value === 'number' && value >= p.low! && value <= p.high!;
}
