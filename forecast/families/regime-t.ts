// regime_t: two regimes of variance; every path switches between them on its own.
// Promises: the history sets the chance of either regime inside the graph by the filter that was fitted.
// Leaves to others: variance that moves within a regime, and the components that every family shares.
import { z } from 'zod';
import { componentFields, namesOneInnovation, ONE_INNOVATION } from '../compose/components.js';
import { composed } from '../compose/compose.js';
import { expectedSums } from '../compose/expected.js';
import type { Law, Volatility } from '../compose/volatility.js';
import { normalCdf } from '../fit/normal.js';
import { fitRegimes, livelyNext, livelyShare, MAX_EVIDENCE } from '../fit/regimes.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { ELEMENT } from '../onnx/proto.js';
import { noiseAxis, normalCdfOf, toFloat } from './innovation.js';

export const regimeTSchema = z
  .strictObject({
    family: z.literal('regime_t'),
    ...componentFields,
    /** Bars that the filter reads; what came before counts by the chain's persistence to their number. */
    history_bars: z.number().int().min(64).max(2880),
  })
  .refine(namesOneInnovation, ONE_INNOVATION);
type RegimeTSpec = z.infer<typeof regimeTSchema>;

const chance = z.number().min(0).max(0.5);
const params = z.object({
  low: z.number().positive(),
  high: z.number().positive(),
  enter: chance,
  leave: chance,
  filter_nu: z.number().min(2.1),
  variance: z.number().positive(),
});
type Params = z.infer<typeof params>;

export const regimeVolatility: Volatility<RegimeTSpec, Params> = {
  name: 'regime_t',
  schema: regimeTSchema,
  params,
  knobs: { history_bars: { min: 96, max: 1440, log: true, integer: true } },
  ownNoise: true,
  start: (_asset, horizon_s) => ({
    family: 'regime_t',
    horizon_s,
    history_bars: 301,
    scale: 'fit',
    nu: 'fit',
  }),
  historyBars: (spec) => spec.history_bars,
  fit(train, returns, _spec, tail) {
    const p = fitRegimes(train, returns, tail);
    return { params: { ...p, variance: returns.variance }, nu: tail === 'fit' ? p.filter_nu : tail };
  },
  law: (p, { spec }) => regimeLaw(p, spec.history_bars),
  graph(g, p, _ctx, io) {
    const [enter, keep, one] = [p.enter, 1 - p.enter - p.leave, 1].map((v) => g.floats([v]));
    const ratios = g.op('Unsqueeze', [evidenceRatios(g, p, io.returns()), g.ints([1], [1])]);
    const [now] = g.scan(
      [g.floats([livelyShare(p)], [1])],
      [ratios],
      (b, [lively], [ratio]) => {
        const weight = b.op('Mul', [lively, ratio]);
        const sum = b.op('Add', [weight, b.op('Sub', [one, lively])]);
        return {
          states: [b.op('Add', [b.op('Mul', [b.op('Div', [weight, sum]), keep]), enter])],
          outputs: [],
        };
      },
      'one',
    );
    const variance = () => {
      const share = g.op('Cast', [now], { to: ELEMENT.DOUBLE });
      const slope = g.doubles([p.variance * (p.high - p.low)]);
      return g.op('Add', [g.op('Mul', [share, slope]), g.doubles([p.variance * p.low])]);
    };
    const state = g.op('Expand', [now, noiseAxis(g, 1)]);
    const [, lively] = g.scan([state], [normalCdfOf(g, io.own())], (b, [share], [uniform]) => {
      const is = b.op('Cast', [b.op('Less', [uniform, share])], { to: ELEMENT.FLOAT });
      return { states: [b.op('Add', [b.op('Mul', [is, keep]), enter])], outputs: [is] };
    });
    const level = io.scale * Math.sqrt(p.variance);
    const more = g.floats([level * (Math.sqrt(p.high) - Math.sqrt(p.low))]);
    const deviation = g.op('Add', [g.op('Mul', [lively, more]), g.floats([level * Math.sqrt(p.low)])]);
    return g.op('Mul', [io.shocks(variance), deviation]);
  },
};

export const regimeT = composed(regimeVolatility);

/** Density of each return in the lively regime over that in the calm one, float [H - 1]. */
function evidenceRatios(g: GraphBuilder, p: Params, returns: string): string {
  const squares = g.op('Mul', [returns, returns]);
  const inverse = 1 / (p.variance * (p.filter_nu - 2));
  const log = (variance: number) => {
    const q = g.op('Mul', [squares, g.doubles([inverse / variance])]);
    return g.op('Log', [g.op('Add', [q, g.doubles([1])])]);
  };
  const apart = g.op('Mul', [g.op('Sub', [log(p.low), log(p.high)]), g.doubles([(p.filter_nu + 1) / 2])]);
  const ratio = g.op('Sub', [apart, g.doubles([0.5 * Math.log(p.high / p.low)])]);
  const bound = g.op('Max', [ratio, g.doubles([-MAX_EVIDENCE])]);
  return toFloat(g, g.op('Exp', [g.op('Min', [bound, g.doubles([MAX_EVIDENCE])])]));
}

function regimeLaw(p: Params, bars: number): Law {
  const share = livelyShare(p);
  const keep = 1 - p.enter - p.leave;
  const expected = (lively: number, h: number): number =>
    p.low + (share + (lively - share) * keep ** h) * (p.high - p.low);
  return {
    filter(runs) {
      const states = runs.map((run) => {
        let lively = share;
        return run.map((r, i) => {
          lively = livelyNext(p, lively, (r * r) / p.variance);
          return i + 2 < bars ? Number.NaN : lively;
        });
      });
      return {
        variance: states.map((run) => run.map((lively) => p.variance * expected(lively, 0))),
        blockVariance: expectedSums((run, i, h) => p.variance * expected(states[run][i], h)),
      };
    },
    start(history) {
      const past = history ?? new Float64Array();
      const first = past.reduce((lively, r) => livelyNext(p, lively, (r * r) / p.variance), share);
      return {
        unit: Math.sqrt(p.variance),
        expected: (h) => expected(first, h),
        walker() {
          let lively = first;
          return {
            step(shock, own) {
              const is = normalCdf(own) < lively;
              lively = p.enter + (is ? keep : 0);
              return Math.sqrt(is ? p.high : p.low) * shock;
            },
          };
        },
      };
    },
  };
}
