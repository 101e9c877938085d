// `swarm status` for people: one screen of plain text, no colour needed.
import type { SlotStatus, Status } from './read.js';

const dash = '-';
const number = (x: number | null, digits: number): string => (x === null ? dash : x.toFixed(digits));
const percent = (x: number | null): string => (x === null ? dash : `${(100 * x).toFixed(1)}%`);
const short = (digest: string): string => digest.slice(0, 10);
const COLUMNS = 120;
/** Digests and ids inside a longer text, cut to what tells them apart. */
const shortIds = (text: string): string =>
  text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}/g, (id) =>
    id.includes('-') ? id.slice(-10) : short(id),
  );

/** A line in pieces of at most 120 columns, broken at spaces where there are any. */
function wrap(line: string): string[] {
  if (line.length <= COLUMNS) return [line];
  const space = line.lastIndexOf(' ', COLUMNS);
  const at = space > COLUMNS / 2 ? space : COLUMNS;
  return [line.slice(0, at), ...wrap(`    ${line.slice(at).trimStart()}`)];
}

/** Columns padded to their widest cell; the last one is left as it is. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((h, i) => Math.max(h.length, ...rows.map((r) => r[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((c, i) => (i === cells.length - 1 ? c : c.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

function agents(status: Status): string {
  return table(
    ['agent', 'role', 'owner', 'trust', 'beat', 'doing', 'lease'],
    status.agents.map((a) => [
      a.name,
      a.role,
      a.owner,
      number(a.trust, 2),
      a.heartbeat_age_s === null ? 'never' : `${a.heartbeat_age_s.toFixed(0)} s`,
      a.state ?? dash,
      a.lease === null ? dash : shortIds(a.lease),
    ]),
  );
}

function owners(status: Status): string {
  return table(
    ['owner', 'judged by', 'trust', 'claims', 'verified', 'over-claims'],
    status.owners.map((o) => [
      o.owner,
      o.kind,
      number(o.trust, 2),
      String(o.claims),
      String(o.verified),
      String(o.over_claims),
    ]),
  );
}

/** Ours against the reference miner: relative gain with its standard error. */
function against(slot: SlotStatus): string {
  const { diff, diff_se, reference_mean_crps } = slot.served;
  if (diff === null || reference_mean_crps === null) return dash;
  const gain = (100 * diff) / reference_mean_crps;
  return diff_se === null
    ? `${gain.toFixed(2)}%`
    : `${gain.toFixed(2)} +- ${((100 * diff_se) / reference_mean_crps).toFixed(2)}%`;
}

function gap(slot: SlotStatus): string {
  return slot.optimum === null
    ? dash
    : `${((100 * (slot.optimum.mean_crps - slot.optimum.best_crps)) / slot.optimum.best_crps).toFixed(2)}%`;
}

function slots(status: Status): string {
  const simulated = status.market.source === 'simulated';
  const head = [
    'slot',
    'champion',
    'reign',
    'since',
    'served',
    'CRPS',
    'gain on reference',
    ...(simulated ? ['above optimum'] : []),
    'emission',
  ];
  return table(
    head,
    status.slots.map((s) => [
      s.slot,
      `${s.champion.family} ${short(s.champion.artifact)}`,
      String(s.champion.reign),
      s.champion.since.slice(0, 16),
      String(s.served.n),
      number(s.served.mean_crps, 1),
      against(s),
      ...(simulated ? [gap(s)] : []),
      percent(s.emission_share),
    ]),
  );
}

const OPEN_STAGES = new Set(['shadow', 'passed']);
const STAGE_ORDER = ['passed', 'shadow', 'promoted', 'rejected', 'timed_out', 'superseded'];

function challengers(status: Status): string {
  const rows = status.slots
    .flatMap((s) => s.challengers.map((c) => ({ ...c, slot: s.slot })))
    .sort((a, b) => STAGE_ORDER.indexOf(a.stage) - STAGE_ORDER.indexOf(b.stage));
  const shown = rows.filter((c, i) => OPEN_STAGES.has(c.stage) || i < 10);
  if (shown.length === 0) return 'no challenger yet';
  return table(
    ['slot', 'challenger', 'kind', 'reign', 'k', 'windows', 'E', 'threshold', 'stage'],
    shown.map((c) => [
      c.slot,
      short(c.artifact),
      c.kind,
      String(c.reign),
      String(c.k),
      String(c.windows),
      c.e_value.toPrecision(4),
      c.threshold.toFixed(1),
      c.stage,
    ]),
  );
}

export function render(status: Status): string {
  const { market, counts: n, outbox } = status;
  const title = market.source === 'simulated' ? 'simulated market' : market.source;
  const rivals = status.rivals.map((r) => `${r.miner} ${percent(r.share)}`).join(', ');
  const promotions = status.promotions.map(
    (p) =>
      `  ${p.market_at.slice(0, 16)}  ${p.slot} reign ${p.reign}: ${p.kind} ${p.family} ${short(p.artifact)}, E ${p.e_value?.toPrecision(4) ?? dash} after ${p.windows ?? 0} windows`,
  );
  return [
    `${status.healthy ? 'healthy' : 'DEGRADED'}  ${title} at ${market.market_now.slice(0, 19)}Z, ${market.speed}x, profile ${market.profile}, seed ${market.seed}, dataset ${short(market.dataset_digest)}`,
    ...status.warnings.map((w) => `  ! ${w}`),
    '',
    agents(status),
    '',
    owners(status),
    '',
    slots(status),
    '',
    challengers(status),
    '',
    `experiments ${n.experiments} (${n.attempts_failed} failed attempts), claims ${n.claims}, verdicts ${n.verdicts}, promotions ${n.promotions}, rollbacks ${n.rollbacks}`,
    `prompts answered ${n.prompts_answered}, scored ${n.prompts_scored}, invalid ${n.invalid_answers}; outbox ${outbox.undelivered} waiting, oldest ${outbox.oldest_s.toFixed(0)} s`,
    `emission: ${rivals || 'nothing paid yet'}`,
    ...(promotions.length > 0 ? ['', 'last promotions', ...promotions] : []),
  ]
    .flatMap((part) => part.split('\n'))
    .flatMap(wrap)
    .join('\n');
}
