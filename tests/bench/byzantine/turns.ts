// Whose turn it is to check what in a simulated fleet, and what each check is for.

export interface Turn {
  readonly claim_id: string;
  readonly checker_id: string;
  readonly reign: number;
  readonly retrace: boolean;
  /** What the check is for. */
  readonly purpose: string;
}

/** Turns with what each is for, as the needs of trust.check_need tell it. */
export const TURNS = `
  select t.claim_id, t.checker_id, t.reign, t.retrace,
    case when t.have = 0 then case when s.checks = 0 then 'first' else 'new reign' end
      when t.wanted = 2 then 'doubt' when t.have = 2 and not r.open then 'planted'
      when r.spread > trust.constant('verdict_tolerance') or r.refusals * 2 = r.checks then 'dispute' else 'contender' end as purpose
  from trust.check_turn t join trust.standing s on s.claim_id = t.claim_id
  left join trust.reign_standing r on r.claim_id = t.claim_id and r.reign = t.reign
  order by t.wanted desc, t.priority desc, t.claim_id`;

/** Checks that one checker makes in a round. */
export const CAPACITY = 8;
