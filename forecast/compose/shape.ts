// The law of the shocks of a fitted model: how columns of standard normals become standardised innovations.
// Promises: mean 0 and variance 1; one map of column 0 where innovations are independent, so models share their luck.
// Leaves to others: fitting (fit-shape.ts), and what shocks do to volatility.
import type { Fitted } from '../families/family.js';
import { type Column, mapped, normals } from '../families/innovation.js';
import { mapMoments, mapOf, throughMap } from '../fit/map.js';
import { normalCdf, normalQuantile } from '../fit/normal.js';
import { GAUSSIAN_NU, studentMap } from '../fit/student.js';
import type { GraphBuilder } from '../onnx/graph.js';
import { blockGraph, blockPath } from './blocks.js';
import type { Innovation } from './components.js';
import { johnsonMap } from './johnson.js';
import { mixtureMap } from './mixture.js';

/** Which column of the noise serves what; each normal has one use. */
export interface Columns {
  readonly own: number;
  readonly blocks: number;
  readonly jumps: number;
  readonly count: number;
}

export function columnsOf(innovation: Innovation, ownNoise: boolean): Columns {
  let count = 1;
  const take = (wanted: boolean): number => (wanted ? count++ : 0);
  const own = take(ownNoise);
  const blocks = take(innovation.kind === 'historical' && innovation.block > 1);
  const jumps = take(innovation.jumps !== undefined);
  return { own, blocks, jumps, count };
}

export interface Shape {
  /** Shocks of one path, from its normals by column. */
  draw(z: readonly Float32Array[], out: Float64Array): void;
  graph(g: GraphBuilder): string;
}

export function shapeOf(innovation: Innovation, fitted: Fitted, columns: Columns, step_s: number): Shape {
  const plain = plainShape(innovation, fitted, columns);
  if (innovation.jumps === undefined) return plain;
  const map = jumpMap(number(fitted, 'jump_per_day'), number(fitted, 'jump_size'), step_s);
  const back = 1 / Math.sqrt(1 + mapMoments(map).variance);
  const column: Column = { index: columns.jumps, of: columns.count };
  return {
    draw(z, out) {
      plain.draw(z, out);
      const normal = z[columns.jumps];
      for (let h = 0; h < out.length; h++) out[h] = (out[h] + throughMap(map, normal[h])) * back;
    },
    graph: (g) => g.op('Mul', [g.op('Add', [plain.graph(g), mapped(g, map, column)]), g.floats([back])]),
  };
}

function plainShape(innovation: Innovation, fitted: Fitted, columns: Columns): Shape {
  const main: Column = { index: 0, of: columns.count };
  const through = (map: Float64Array): Shape => ({
    draw(z, out) {
      for (let h = 0; h < out.length; h++) out[h] = throughMap(map, z[0][h]);
    },
    graph: (g) => mapped(g, map, main),
  });
  const gaussian: Shape = {
    draw: (z, out) => out.set(z[0]),
    graph: (g) => normals(g, main),
  };
  switch (innovation.kind) {
    case 'gaussian':
      return gaussian;
    case 'student_t': {
      const nu = number(fitted, 'nu');
      return nu >= GAUSSIAN_NU ? gaussian : through(studentMap(nu));
    }
    case 'johnson_su':
      return through(johnsonMap(number(fitted, 'skew'), number(fitted, 'tail')));
    case 'mixture':
      return through(mixtureMap(list(fitted, 'mixture_weights'), list(fitted, 'mixture_sizes')));
    case 'historical': {
      const residuals = Float64Array.from(list(fitted, 'residuals'));
      const { block } = innovation;
      if (block === 1) return through(residuals);
      const column: Column = { index: columns.blocks, of: columns.count };
      return {
        draw: (z, out) => blockPath(residuals, block, z[columns.blocks], out),
        graph: (g) => blockGraph(g, residuals, block, column),
      };
    }
  }
}

/** Jumps of either sign and mean size `size`, half of it sure and half exponential, where a normal is far out. */
function jumpMap(per_day: number, size: number, step_s: number): Float64Array {
  const chance = Math.min(0.5, (per_day * step_s) / 86_400);
  if (chance === 0) return mapOf(() => 0);
  const from = normalQuantile(1 - chance / 2);
  return mapOf((z) => {
    if (Math.abs(z) <= from) return 0;
    return Math.sign(z) * (size / 2) * (1 + Math.log(chance / 2 / normalCdf(-Math.abs(z))));
  });
}

function number(fitted: Fitted, name: string): number {
  const value = fitted[name];
  return typeof value === 'number' ? value : Number.NaN;
}

function list(fitted: Fitted, name: string): readonly number[] {
  const value = fitted[name];
  return typeof value === 'number' ? [value] : value;
}
