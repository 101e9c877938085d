// The graph of a composed model.
// Promises: adds nothing for components that the spec leaves out, so such models stay what they were, byte for byte.
// Leaves to others: each component's own nodes.
import type { CompileContext } from '../families/family.js';
import { historyReturns, noiseAxis, normals } from '../families/innovation.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { futureFactor, historyFactor } from '../profile/graph.js';
import { bounceGraph, bounceOf } from './bounce.js';
import { type Components, innovationOf } from './components.js';
import type { Parts } from './parts.js';
import { columnsOf, shapeOf } from './shape.js';
import { barsRead, keepsHours, onCalendarGraph, openReturnsGraph } from './trading-time.js';
import type { Volatility } from './volatility.js';

/** Adds the model; returns the name of its log returns, float [steps, paths]. */
export function composedGraph<S extends Components, P>(
  g: GraphBuilder,
  volatility: Volatility<S, P>,
  parts: Parts<P>,
  ctx: CompileContext<S>,
): string {
  const { spec, step_s } = ctx;
  const innovation = innovationOf(spec);
  const columns = columnsOf(innovation, volatility.ownNoise);
  const shape = shapeOf(innovation, parts.fitted, columns, step_s);
  const bars = volatility.historyBars(spec, step_s);
  const seen = barsRead(volatility, spec, step_s);
  const factors = spec.profile && {
    history: historyFactor(g, spec.profile, parts.profile, step_s, seen),
    future: futureFactor(g, spec.profile, parts.profile, step_s),
  };
  const hours = keepsHours(spec.profile) ? spec.profile : undefined;
  const returns = once(() => {
    if (hours && factors) return openReturnsGraph(g, factors.history, seen, bars - 1);
    const raw = historyReturns(g, bars);
    return factors ? g.op('Div', [raw, factors.history]) : raw;
  });
  const shocks = (variance: () => string): string => {
    const plain = shape.graph(g);
    if (parts.bounce === undefined) return plain;
    const sized = g.op('Mul', [variance(), g.doubles([parts.size ** 2])]);
    const io = { shocks: plain, returns: returns(), count: bars - 1, variance: sized };
    return bounceGraph(g, bounceOf(parts.bounce), io, noiseAxis(g, 1));
  };
  const own = once(() => normals(g, { index: columns.own, of: columns.count }));
  const simulated = volatility.graph(g, parts.params, ctx, {
    bars,
    scale: parts.scale,
    returns,
    shocks,
    own,
  });
  if (factors === undefined) return simulated;
  const walked = hours ? onCalendarGraph(g, simulated, factors.future, hours) : simulated;
  return g.op('Mul', [walked, factors.future]);
}

function once(make: () => string): () => string {
  let made: string | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
