// A planned decision over a real socket: what it asks, and what it makes of answers of every kind.
import { describe, expect, it } from 'vitest';
import { specDigest } from '../../../forecast/families/index.js';
import { advising, chatting, inTurn, looping, refusing } from './scripts.js';
import type { Script } from './server.js';
import { arm, deskOf, good, TOOLS, tried, useThinker } from './thinker.js';

const { decide, asked, since, kept } = useThinker();

describe('a decision', () => {
  it('goes from briefing over tool calls to a proposal, with its conversation kept', async () => {
    const from = asked();
    const proposal = await decide(advising(() => good));
    expect(proposal).toMatchObject({
      spec: good,
      move: 'think',
      reason: 'the families say so',
      transcript: 'f'.repeat(64),
    });
    const requests = since(from);
    expect(requests.map((r) => r.messages.at(-1)!.role)).toEqual(['user', 'tool', 'tool', 'tool']);
    expect(requests[0]!.tools!.map((t) => t.function.name).sort()).toEqual(TOOLS);
    expect(JSON.parse(kept()[0]!)).toMatchObject({
      thought: proposal.thought,
      talks: [{ model: 'small', ended: 'proposed' }],
    });
  });

  it('takes a proposal as sloppily as models write it', async () => {
    const text = `\`\`\`json\n{"spec": ${JSON.stringify(good).replace('500', '"500"').replace(/}$/, ',}')}, "reason": "r",}\n\`\`\``;
    const spec = { ...good, history_bars: 500 };
    // A number in quotes inside a free-form spec is not mended: the family's schema says so, and the model corrects it.
    const proposal = await decide(
      inTurn(
        { kind: 'tools', calls: [{ name: 'propose_spec', args: text }] },
        { kind: 'tools', calls: [{ name: 'propose_spec', args: text.replace('"500"', '500') }] },
      ),
    );
    expect(proposal.spec).toEqual(spec);
  });

  it('learns from a refused proposal and corrects it', async () => {
    const from = asked();
    const wrong = [
      { family: 'nonsense' },
      { ...good, horizon_s: 3600 },
      { ...good, history_bars: 1e6 },
      { family: 'gbm', sigma_hourly: 0.01 },
    ];
    const proposal = await decide(
      inTurn(
        ...[...wrong, good].map((spec) => ({
          kind: 'tools' as const,
          calls: [{ name: 'propose_spec', args: { spec, reason: 'r' } }],
        })),
      ),
    );
    expect(proposal.spec).toEqual(good);
    const last = since(from)
      .at(-1)!
      .messages.filter((m) => m.role === 'tool');
    expect(last).toHaveLength(wrong.length);
    for (const message of last) expect(JSON.parse(message.content!).data.error).toBeTruthy();
  });

  it('never proposes what was run today, whatever the model says', async () => {
    const proposal = await decide(
      advising(() => good),
      deskOf([], [good]),
    );
    expect(specDigest(proposal.spec)).not.toBe(specDigest(good));
    expect(proposal).toMatchObject({ by: 'evolve' });
  });

  it('probes no more than twice and notes no more than one pattern', async () => {
    const desk = deskOf();
    const note = { family: 'garch_t', effect: 0.1, note: 'n' };
    const call = (name: string, args: unknown) => ({ kind: 'tools' as const, calls: [{ name, args }] });
    const nudged = (n: number) => ({ ...good, history_bars: 400 + n });
    await decide(
      inTurn(
        ...[1, 2, 3].map((n) => call('probe', { spec: nudged(n) })),
        call('state_pattern', note),
        call('state_pattern', { ...note, effect: 0.2 }),
        call('propose_spec', { spec: good, reason: '' }),
      ),
      desk,
    );
    expect(desk.probed).toHaveLength(2);
    expect(desk.notes).toHaveLength(1);
  });

  it('guesses scores from what was tried, and compares by id', async () => {
    const from = asked();
    const ids = tried(12)
      .slice(0, 2)
      .map((t) => t.spec_digest.slice(0, 12));
    await decide(
      inTurn(
        {
          kind: 'tools',
          calls: [
            { name: 'predict_score', args: { specs: [good] } },
            { name: 'compare_specs', args: { ids } },
          ],
        },
        { kind: 'tools', calls: [{ name: 'propose_spec', args: { spec: good, reason: '' } }] },
      ),
    );
    const [guess, compared] = since(from)
      .at(-1)!
      .messages.slice(-2)
      .map((m) => JSON.parse(m.content!).data);
    expect(guess[0]).toMatchObject({ from: 12, gain: expect.any(Number), sd: expect.any(Number) });
    expect(compared.map((c: { id: string }) => c.id)).toEqual(ids);
  });
});

describe('a model that is of no use', () => {
  const useless: [string, Script, RegExp][] = [
    ['loops', looping, /again and again/],
    ['refuses', refusing, /refused/],
    ['chats', chatting, /no tool/],
    ['is away', inTurn({ kind: 'status', status: 503 }), /503/],
    ['wants another key', inTurn({ kind: 'status', status: 401 }), /key/],
    ['answers nonsense', inTurn({ kind: 'raw', body: '<html>' }), /JSON/],
    [
      'calls what is not there',
      (_, i) => ({ kind: 'tools', calls: [{ name: `drop_table_${i}`, args: {} }] }),
      /no proposal/,
    ],
  ];
  it.each(useless)(
    'that %s leaves the decision to evolution, and the reason is written down',
    async (_name, script, why) => {
      const proposal = await decide(script);
      expect(proposal).toMatchObject({
        by: 'evolve',
        reason: expect.stringMatching(why),
        transcript: 'f'.repeat(64),
      });
    },
  );

  it('is followed by the next arm of its ladder', async () => {
    const from = asked();
    const honest = advising(() => good);
    const proposal = await decide((r, i) => (r.model === 'small' ? refusing(r, i) : honest(r, i)), deskOf(), {
      arms: [arm('small'), arm('small', 0.6), arm('large')],
    });
    expect(proposal.spec).toEqual(good);
    expect([...new Set(since(from).map((r) => `${r.model} ${r.temperature}`))]).toEqual([
      'small 0.2',
      'small 0.6',
      'large 0.2',
    ]);
  });

  it('is not asked when it is not worth it', async () => {
    const from = asked();
    expect(await decide(looping, deskOf(), { skip: 'not worth it' })).toMatchObject({
      by: 'evolve',
      reason: expect.stringContaining('not worth it'),
    });
    expect(since(from)).toEqual([]);
  });
});
