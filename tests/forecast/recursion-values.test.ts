// What recursion programs compute: the tape against the meaning of its text.
import { describe, expect, it } from 'vitest';
import { checkedProgram } from '../../forecast/recursion/checker.js';
import { compiled } from '../../forecast/recursion/compile.js';
import { PROGRAMS } from '../../forecast/recursion/library.js';
import { machine } from '../../forecast/recursion/machine.js';
import { rng } from '../../forecast/rng.js';
import { meant, randomProgram } from './recursion-programs.js';

describe('values', () => {
  const near = (got: number, want: number, what: string): void => {
    expect(
      Math.abs(got - want) <= 1e-9 * Math.max(1e-3, Math.abs(want)),
      `${what}: ${got}, not ${want}`,
    ).toBe(true);
  };
  it('are those of the table, whatever is folded, shared or left out', () => {
    const random = rng('values');
    const programs = [
      ...Object.values(PROGRAMS),
      ...Array.from({ length: 150 }, (_, k) => randomProgram(`values ${k}`)),
    ];
    for (const text of programs) {
      const program = checkedProgram(text);
      const values = program.params.map((p) => p.lo + (p.hi - p.lo) * random.uniform());
      const [open, closed] = [machine(compiled(program)), machine(compiled(program, values))];
      open.setParams(values);
      for (let k = 0; k < 20; k++) {
        const states = program.states.map(({ lo, hi }) => {
          const u = random.uniform();
          return k === 0 ? lo : k === 1 ? hi : Math.max(lo, Math.min(hi, lo + (Math.min(hi, 5) - lo) * u));
        });
        const r = k === 2 ? 0 : k === 3 ? -1e6 : 2 * random.normal();
        const want = meant(program, values, states, r);
        for (const m of [open, closed]) {
          m.states.set(states);
          near(m.open(), want.variance, `${text}\nvariance`);
          m.close(r, want.z);
          want.next.forEach((v, i) => {
            near(m.states[i] as number, v, `${text}\n${program.states[i]?.name} after ${r} from ${states}`);
          });
        }
      }
    }
  });
  it.each([
    ['1 / 0', 1e6],
    ['-1 / 0', -1e6],
    ['1 / (v - 1.0000001)', -1e6],
    ['log(0)', Math.log(1e-12)],
    ['sqrt(-4)', 0],
    ['exp(1000)', Math.exp(40)],
    ['(-2)^3', -8],
    ['(-2)^-2', 0.25],
    ['(-2)^0.5', 1e-6],
    ['0^0', 1],
    ['4^v', 4],
    ['(1e12)^8', 1e18],
    ['1e12^8 - 1e12^8', 0],
    ['sign(-3) + sign(0)', -1],
    ['clip(5, 2, 1)', 1],
    ['2 * (v == 1) + (v != 1)', 2],
    ['if(not (r < 0) and (z > 1 or v <= 1), 7, 8)', 7],
  ])('%s is %d', (text, want) => {
    const tape = compiled(
      checkedProgram(
        `state v = 1\nstate x = 0 in [-1e12, 1e12]\nv' = 1 + 0*x\nx' = 1e-6 * (${text})\nvariance = v`,
      ),
    );
    const m = machine(tape);
    m.open();
    m.close(0, 0);
    // Of the size of 1e-6 in the program: results of 1e18 would meet the state's bound.
    expect(m.raw[1]).toBeCloseTo(1e-6 * want, want > 1e3 ? 0 : 12);
  });
});
