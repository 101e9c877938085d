// What is thought beside a decision, over a real socket: diagnoses and summaries that what happened bears out, and no others.
import { describe, expect, it } from 'vitest';
import type { Desk } from '../../../agents/strategist/strategist.js';
import { advising } from './scripts.js';
import type { Script } from './server.js';
import { deskOf, good, tried, useThinker } from './thinker.js';

const { decide, asked, since } = useThinker();

/** A model that answers beside the decision in this order, and plans as it should. */
const beside = (...answers: readonly unknown[]): Script => {
  let n = 0;
  const honest = advising(() => good);
  return (request, index) =>
    request.model === 'aside'
      ? { kind: 'text', content: JSON.stringify(answers[Math.min(n++, answers.length - 1)]) }
      : honest(request, index);
};
const think = (kind: 'diagnose' | 'summarise', script: Script, desk: Desk) =>
  decide(script, desk, undefined, undefined, { [kind]: 1 });
const askedBeside = (from: number) => since(from).filter((r) => r.model === 'aside');

describe('a diagnosis', () => {
  const failures = [500, 510, 520].map((n) => ({
    family: 'garch_t',
    code: 'SWARM_E_FIT_FAILED',
    reason: `no convergence after ${n} steps`,
    spec: { ...good, history_bars: n },
  }));
  const worked = tried(1).map((t) => ({ ...t, spec: { ...good, history_bars: 800 } }));
  const failing = () => deskOf([], [], { failures: async () => failures, tried: async () => worked });
  const region = { knob: 'history_bars', low: 500, high: 520, lesson: 'too short for two states' };

  it('is corrected until the failures bear it out, then noted as an antipattern; the decision goes on', async () => {
    const from = asked();
    const desk = failing();
    const proposal = await think(
      'diagnose',
      beside(
        { ...region, knob: 'nonsense' },
        { ...region, low: 505, high: 515 },
        { ...region, high: 900 },
        region,
      ),
      desk,
    );
    expect(proposal.spec).toEqual(good);
    expect(desk.notes).toEqual([
      {
        family: 'garch_t',
        knob: 'history_bars',
        low: 500,
        high: 520,
        direction: -1,
        effect: -1,
        note: 'no convergence after # steps: too short for two states',
      },
    ]);
    const errors = askedBeside(from)
      .at(-1)!
      .messages.slice(2)
      .filter((m) => m.role === 'user')
      .map((m) => JSON.parse(m.content!).error);
    expect(errors).toEqual([
      'garch_t has no knob nonsense',
      'it holds 1 of 3 failures',
      '1 specs in it worked',
    ]);
  });

  it('is not asked for where nothing fails, or what fails is noted already', async () => {
    const from = asked();
    await think('diagnose', beside(region), deskOf());
    const noted = deskOf([{ note: 'no convergence after # steps: known' }], [], {
      failures: async () => failures,
    });
    await think('diagnose', beside(region), noted);
    expect(askedBeside(from)).toEqual([]);
    expect(noted.notes).toEqual([]);
  });

  it('that never gets right is given up, and the decision goes on', async () => {
    const desk = failing();
    expect((await think('diagnose', beside({ lesson: 7 }), desk)).spec).toEqual(good);
    expect(desk.notes).toEqual([]);
  });

  it('that a model refuses is given up too', async () => {
    const honest = advising(() => good);
    const script: Script = (r, i) => (r.model === 'aside' ? { kind: 'refusal', text: 'no' } : honest(r, i));
    expect((await think('diagnose', script, failing())).spec).toEqual(good);
  });
});

describe('a summary', () => {
  /** Half of them with much history, and better for it. */
  const own = Array.from({ length: 8 }, (_, i) => ({
    ...tried(1)[0]!,
    owner: 'me',
    spec_digest: String(i).repeat(64),
    spec: { ...good, history_bars: 300 + 200 * i },
    gain: 0,
    verdict: { gain: i < 4 ? 0.01 : 0.03, se: 0.005 },
  }));
  const verified = (some = own) => deskOf([], [], { tried: async () => some });
  const longer = {
    family: 'garch_t',
    knob: 'history_bars',
    low: 1100,
    high: 1700,
    effect: 0.02,
    note: 'more history',
  };

  it('states what own verdicts show, and is corrected where they show the opposite', async () => {
    const from = asked();
    const desk = verified();
    const wrong = { patterns: [{ ...longer, effect: -0.02 }] };
    const alone = { patterns: [{ ...longer, low: 1650 }] };
    expect((await think('summarise', beside(wrong, alone, { patterns: [longer] }), desk)).spec).toEqual(good);
    expect(desk.notes).toEqual([{ ...longer, direction: 1 }]);
    const errors = askedBeside(from)
      .at(-1)!
      .messages.slice(2)
      .filter((m) => m.role === 'user')
      .map((m) => JSON.parse(m.content!).error);
    expect(errors).toEqual([
      'the experiments show 0.020 inside against outside',
      '1 experiments inside and 7 outside',
    ]);
  });

  it('is not asked for before there are verdicts of its own', async () => {
    const from = asked();
    for (const some of [own.slice(0, 5), own.map((t) => ({ ...t, owner: 'them' }))])
      await think('summarise', beside({ patterns: [longer] }), verified(some));
    expect(askedBeside(from)).toEqual([]);
  });
});
