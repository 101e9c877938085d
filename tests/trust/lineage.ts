// Decisions of an invented history, and the experiment between one and its claim.
import { uuid7 } from '../../blackboard/ids.js';
import { daysAgo, digest, type History, held, measured, SLOT, stamps } from './history.js';
import type { AgentRow, ClaimRow, PatternRow } from './rows.js';

/** How a claim came to be: what its author was told, and which specs it says it went out from. */
export function descent(
  h: History,
  claim: ClaimRow,
  parents: readonly ClaimRow[],
  told: readonly PatternRow[] = [],
): void {
  const { agent_id, slot, spec, spec_digest } = claim;
  const [briefing_id, decision_id] = [uuid7(), uuid7()];
  const shared = { agent_id, slot, seed: 's', ...stamps(claim.market_at) };
  const items = told.map(({ id }) => ({
    kind: 'pattern',
    id,
    probability: 0.5,
    weight: 1,
    uniform: false,
  }));
  h.add('briefing', { ...shared, id: briefing_id, items });
  h.add('decision', {
    ...shared,
    id: decision_id,
    briefing_id,
    strategist: 't',
    move: 'm',
    parent_digests: parents.map((p) => p.spec_digest),
    spec,
    spec_digest,
    reason: '',
  });
  h.add('experiment', {
    ...shared,
    ...measured,
    ...held,
    id: claim.experiment_id,
    decision_id,
    family: String(spec['family']),
    spec,
    spec_digest,
    as_of: claim.as_of,
    data_cutoff: daysAgo(200),
    n_windows: 60,
    artifact: claim.artifact,
    mean_crps: 1,
    yardstick_crps: 1.1,
    gain: claim.claimed_gain,
    se: claim.claimed_se,
    cost_ms: 1,
  });
}

/** A decision bred from specs, of which no claim came. */
export function bred(h: History, by: AgentRow, ...parents: string[]): void {
  h.add('decision', {
    id: uuid7(),
    agent_id: by.id,
    briefing_id: uuid7(),
    slot: SLOT,
    strategist: 't',
    move: 'm',
    parent_digests: parents,
    spec: {},
    spec_digest: digest('child'),
    seed: 's',
    reason: '',
    ...stamps(daysAgo(1)),
  });
}
