// Pictures of evidence: on a log scale, whatever E has been, in both hands.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Drawable, drawInText } from '../../cli/trust/picture.js';
import { drawInSvg } from '../../cli/trust/svg.js';

const course = (e: readonly number[], threshold = 20): Drawable => ({
  kind: 'challenge',
  reign: 1,
  k: 1,
  artifact: 'a'.repeat(64),
  stage: 'shadow',
  threshold,
  floor: 60,
  e,
});
const evidence = fc.array(fc.double({ min: 1e-200, max: 1e200, noNaN: true }), {
  minLength: 1,
  maxLength: 600,
});

describe('a picture', () => {
  it('holds any course of evidence, in eighty columns', () => {
    fc.assert(
      fc.property(
        evidence,
        fc.double({ min: 1.0001, max: 1e6, noNaN: true }),
        fc.boolean(),
        (e, threshold, plain) => {
          const lines = drawInText(course(e, threshold), plain).split('\n').slice(1);
          for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
          expect(lines.join('')).toContain(plain ? '*' : '●');
          if (plain) expect(lines.join('')).toMatch(/^[ -~]*$/);
          expect(drawInSvg('1h/BTC', [course(e, threshold)])).not.toMatch(/NaN|Infinity/);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has the threshold above what has not reached it, and below what has', () => {
    const rows = (e: number): { line: number; point: number } => {
      const lines = drawInText(course([e]), true).split('\n');
      return {
        line: lines.findIndex((l) => l.includes('|-') || l.includes('|*-')),
        point: lines.findIndex((l) => l.includes('*')),
      };
    };
    expect(rows(2).line).toBeLessThan(rows(2).point);
    expect(rows(900).line).toBeGreaterThan(rows(900).point);
  });

  it('quotes what would be markup', () => {
    expect(drawInSvg('<script>', [])).not.toContain('<script>');
  });
});
