// Records as an honest agent writes them, through its own login and under its own lease; a test spoils one field at a time.
import { uuid7 } from '../../blackboard/ids.js';
import { signRecord } from '../../blackboard/signed.js';
import { DIGEST, type Enrolled, insert, one, type Row } from './board.js';

export const SLOT = 'crypto_1h/BTC';
export const AS_OF = new Date('2025-03-10T00:00:00Z');
export const digest = (n: number): string => n.toString(16).padStart(64, '0');

export async function leased(
  agent: Enrolled,
  work_id: string,
  term_s = 60,
): Promise<{ work_id: string; fence: number }> {
  const fence = await one<string>(agent.client, 'select board.lease_take($1, $2)', [work_id, term_s]);
  return { work_id, fence: Number(fence) };
}

/** Briefing and decision, which every experiment stands on; returns the decision's id. */
export async function decided(agent: Enrolled): Promise<string> {
  const common = { agent_id: agent.who.id, slot: SLOT, seed: 's' };
  const briefing_id = uuid7();
  await insert(agent.client, 'board.briefing', { ...common, id: briefing_id, items: '[]' });
  const id = uuid7();
  await insert(agent.client, 'board.decision', {
    ...common,
    id,
    briefing_id,
    strategist: 'test',
    move: 'new',
    parent_digests: [],
    spec: '{"family":"garch"}',
    spec_digest: digest(1),
    reason: 'a test',
  });
  return id;
}

const measured = (n: number): Row => ({
  slot: SLOT,
  family: 'garch',
  spec: '{"family":"garch"}',
  spec_digest: digest(n),
  as_of: AS_OF,
  data_cutoff: new Date('2025-01-01T00:00:00Z'),
  dataset_digest: DIGEST,
  windows_digest: digest(77),
  n_windows: 60,
  seed: 's',
  code_version: 'test',
  artifact: digest(1000 + n),
  mean_crps: 1.25,
});

export async function experiment(
  agent: Enrolled,
  n: number,
  spoilt: Row = {},
): Promise<Row & { id: string }> {
  const row = {
    ...measured(n),
    id: uuid7(),
    agent_id: agent.who.id,
    decision_id: await decided(agent),
    yardstick_crps: 1.3,
    gain: 0.04,
    se: 0.01,
    cost_ms: 5,
    ...(await leased(agent, `experiment:${n}:${agent.who.name}`)),
    ...spoilt,
  };
  await insert(agent.client, 'board.experiment', row);
  return row;
}

export function claimOf(agent: Enrolled, n: number, run: Row, spoilt: Row = {}): Row & { id: string } {
  const row = {
    ...measured(n),
    id: uuid7(),
    agent_id: agent.who.id,
    experiment_id: run['id'],
    claimed_gain: 0.04,
    claimed_se: 0.01,
    work_id: run['work_id'],
    fence: run['fence'],
    ...spoilt,
  };
  return { ...row, signature: signRecord('claim', row, agent.who.privateKey) };
}

export async function claim(agent: Enrolled, n: number, spoilt: Row = {}): Promise<Row & { id: string }> {
  const row = claimOf(agent, n, await experiment(agent, n), spoilt);
  await insert(agent.client, 'board.claim', row);
  return row;
}

/** Reign 0 of the slot. */
export async function founded(publisher: Enrolled, artifact: string, reign = 0): Promise<void> {
  const row = {
    id: uuid7(),
    agent_id: publisher.who.id,
    kind: 'found',
    slot: SLOT,
    reign,
    artifact,
    family: 'reference',
  };
  await insert(publisher.client, 'board.promotion', {
    ...row,
    signature: signRecord('promotion', row, publisher.who.privateKey),
    ...(await leased(publisher, `gate:${SLOT}:${reign}`)),
  });
}

export async function verdict(
  checker: Enrolled,
  claim_id: string,
  champion: string,
  spoilt: Row = {},
): Promise<Row> {
  const row = {
    id: uuid7(),
    agent_id: checker.who.id,
    claim_id,
    finding: 'scored',
    reign: 0,
    champion,
    hidden_from: new Date('2025-02-01T00:00:00Z'),
    hidden_to: AS_OF,
    dataset_digest: DIGEST,
    windows_digest: digest(78),
    n_windows: 2,
    mean_crps: 1.2,
    yardstick_crps: 1.3,
    champion_crps: 1.25,
    verified_gain: 0.03,
    verified_se: 0.01,
    window_starts: [1738368000, 1738378800],
    differences: [0.1, 1 / 3],
    champion_t: 0.5,
    difference_sd: 0.02,
    seed: SLOT,
    code_version: 'test',
    ...(spoilt['work_id'] === undefined
      ? await leased(checker, `check:${claim_id}:${checker.who.name}:${uuid7()}`)
      : {}),
    ...spoilt,
  };
  const signed = { ...row, signature: signRecord('verdict', row, checker.who.privateKey) };
  await insert(checker.client, 'board.verdict', signed);
  return signed;
}
