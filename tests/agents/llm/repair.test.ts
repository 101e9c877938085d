// JSON as models write it: read where it can be meant in one way only, refused with what is wrong otherwise.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { jsonSchemaOf, readAs, readJson, readTextAs } from '../../../agents/llm/repair.js';

const schema = z.strictObject({
  n: z.number(),
  k: z.int().optional(),
  on: z.boolean().optional(),
  list: z.array(z.number()).optional(),
});

describe('reading JSON', () => {
  it.each([
    ['{"n": 1}'],
    ['```json\n{"n": 1}\n```'],
    ['Here you are:\n```\n{"n": 1,}\n```\nGood luck!'],
    ['Sure! {"n": 1} is what I would try.'],
    ['{"n": "1"}'],
    ['{"n": " 1.0e0 ",}'],
  ])('%s is {n: 1}', (text) => expect(readTextAs(schema, text)).toEqual({ n: 1 }));

  it('mends several fields at once, and what they hold', () => {
    expect(readTextAs(schema, '{"n": "2", "k": "3", "on": "True", "list": "[1, \\"2\\",]"}')).toEqual({
      n: 2,
      k: 3,
      on: true,
      list: [1, 2],
    });
  });

  it('leaves commas inside strings alone', () =>
    expect(readJson('{"a": "1,}", "b": [1,],}')).toEqual({ a: '1,}', b: [1] }));

  it.each([['no json here'], ['{"n": '], [''], ['```json\n```'], ['{"n": 1 "k": 2}']])(
    '%j is refused',
    (text) => expect(() => readJson(text)).toThrow(expect.objectContaining({ code: 'SWARM_E_LLM_RESPONSE' })),
  );

  it('names every field that is wrong', () =>
    expect(() => readAs(schema, { n: 'many', z: 1 })).toThrow(/n: .*; .*z/));

  it('never guesses: a string that spells no number stays wrong', () =>
    expect(() => readAs(schema, { n: '1 or 2' })).toThrow(/n:/));

  it('reads back whatever JSON there is, however it is wrapped', () => {
    fc.assert(
      fc.property(
        fc.jsonValue().filter((v) => typeof v === 'object' && v !== null),
        (value) => {
          const text = JSON.stringify(value);
          for (const wrapped of [text, `\`\`\`json\n${text}\n\`\`\``])
            if (!text.includes('```')) expect(readJson(wrapped)).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  it('ends on any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          readTextAs(schema, text);
        } catch (error) {
          expect((error as { code: string }).code).toBe('SWARM_E_LLM_RESPONSE');
        }
      }),
    );
  });
});

it('gives a model the JSON schema of what it must answer', () =>
  expect(jsonSchemaOf(schema)).toMatchObject({
    type: 'object',
    required: ['n'],
    properties: { n: { type: 'number' } },
    additionalProperties: false,
  }));
