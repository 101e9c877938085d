// `swarm trust`: a table of every owner, or one owner's number in words and rows.

import { readSwarm } from '../reading.js';
import { table } from '../status/render.js';
import {
  type Event,
  type Explained,
  explainOwner,
  KIND_OF,
  type Kind,
  readStandings,
  type Standing,
} from './explained.js';

interface TrustArguments {
  readonly home?: string;
  readonly role?: string;
  readonly json?: boolean;
}

export async function trustCommand(owner: string | undefined, o: TrustArguments): Promise<void> {
  const kind = o.role === undefined ? undefined : KIND_OF[o.role];
  const text = await readSwarm(o.home, 'swarm trust', async (trx) => {
    if (owner === undefined) {
      const all = await readStandings(trx, kind);
      return o.json ? JSON.stringify(all) : overview(all);
    }
    const explained = await explainOwner(trx, owner, kind);
    return o.json ? JSON.stringify(explained) : explained.map(inWords).join('\n\n');
  });
  process.stdout.write(`${text}\n`);
}

const two = (x: number | null): string => (x === null ? '-' : x.toFixed(2));
const gain = (x: number | null): string => (x === null ? '-' : x.toFixed(4));
const minute = (iso: string): string => `${iso.slice(0, 16)}Z`;

function overview(all: readonly Standing[]): string {
  if (all.length === 0) return 'nobody who is judged is enrolled yet';
  return table(
    ['owner', 'judged by', 'trust', 'events', 'against it', 'alpha', 'beta', 'shrink', 'over', 'audited'],
    all.map((s) => [
      s.owner,
      s.kind,
      two(s.trust),
      String(s.events),
      String(s.dishonest),
      two(s.alpha),
      two(s.beta),
      two(s.shrink),
      two(s.over),
      `${(100 * s.audit_probability).toFixed(0)}%`,
    ]),
  );
}

const WORDS: Readonly<Record<Kind, { good: string; bad: string; none: string }>> = {
  claims: { good: 'honest', bad: 'over-claim', none: 'no claim of this owner was judged yet' },
  checks: {
    good: 'in agreement',
    bad: 'against the others',
    none: 'no check of this owner was compared with others yet',
  },
  promotions: {
    good: 'that lasted',
    bad: 'rolled back',
    none: 'no promotion of this owner was outlived or rolled back yet',
  },
};

/** "0.42 = 9 honest, 1 over-claim at 2025-05-30T12:00Z": what made the number, in one line. */
function counted({ kind, by }: Explained): string {
  const words = WORDS[kind];
  const copies = by.filter((e) => e.copy_of !== null).length;
  const good = by.filter((e) => e.honest).length - copies;
  const bad = by.filter((e) => !e.honest);
  const LISTED = 5;
  const when = bad
    .slice(0, LISTED)
    .map((e) => minute(e.market_at))
    .join(', ');
  const many = bad.length > LISTED ? ` and ${bad.length - LISTED} before` : '';
  return [
    `${good} ${words.good}`,
    ...(copies > 0 ? [`${copies} copied (weight 0)`] : []),
    ...(bad.length > 0
      ? [`${bad.length} ${words.bad}${bad.length > 1 && kind === 'claims' ? 's' : ''} at ${when}${many}`]
      : []),
  ].join(', ');
}

function inWords(x: Explained): string {
  const head = `${x.owner}, judged by ${x.kind}: ${two(x.trust)}`;
  const bound = `mean ${two(x.alpha / (x.alpha + x.beta))} of Beta(${two(x.alpha)}, ${two(x.beta)}), less ${x.bound_z} standard deviations, at least 0`;
  if (x.by.length === 0) return `${head}, because ${WORDS[x.kind].none}\n  only the prior counts: ${bound}`;
  const part = (name: 'alpha' | 'beta', of: string): string =>
    `  ${name} ${two(x[name])} = ${two(x.prior[name])} before anything was known + ${two(x[name] - x.prior[name])} by the weight of what was ${of}`;
  return [
    `${head} = ${counted(x)}`,
    `  ${bound}`,
    part('alpha', 'right'),
    part('beta', 'not'),
    ...together(x),
    ...(x.shrink === null ? [] : [`  of a claimed gain ${two(x.shrink)} was left when it was checked`]),
    ...(x.kind === 'claims'
      ? [`  a routine claim of this owner is checked with probability ${two(x.audit_probability)}`]
      : []),
    '',
    table(HEAD, x.by.map(row)),
  ].join('\n');
}

function together(x: Explained): string[] {
  const cut =
    x.trust < x.bound - 1e-9
      ? [`  what all ${x.kind} show together tells against it: ${two(x.bound)} is cut to ${two(x.trust)}`]
      : [];
  if (x.summed === null) return cut;
  const { excess, claims, market } = x.summed;
  return [
    `  all claims together lie ${two(x.over)} standard errors above their verdicts: ${two(excess)} each, less ${two(market)} that everybody had, over ${claims.toFixed(1)} claims`,
    ...cut,
  ];
}

const HEAD = [
  'market time',
  'slot',
  'counts',
  'said',
  'verified',
  'z',
  'weight',
  'decay',
  'alpha',
  'beta',
  'claim',
  'verdicts',
];

const row = (e: Event): string[] => [
  minute(e.market_at),
  e.slot,
  e.copy_of !== null ? `as a copy of ${e.copy_of}` : e.honest ? 'for it' : 'against it',
  gain(e.claimed_gain),
  gain(e.verified_gain),
  two(e.z),
  two(e.weight),
  two(e.decay),
  two(e.alpha),
  two(e.beta),
  e.claim ?? e.ref,
  e.verdicts.join(' '),
];
