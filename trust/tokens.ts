// What a text costs a language model to read, by a real tokenizer (o200k); models differ by a few per cent.
// Promises: counted once and remembered, since a briefing offers the same things again and again.
import { countTokens } from 'gpt-tokenizer';

const REMEMBERED = 5000;
const known = new Map<string, number>();

/** Tokens of a value as JSON. */
export function tokensOf(value: unknown): number {
  const text = JSON.stringify(value);
  const before = known.get(text);
  if (before !== undefined) return before;
  // Whatever special tokens it spells are text.
  const tokens = countTokens(text, { allowedSpecial: new Set(), disallowedSpecial: new Set() });
  if (known.size >= REMEMBERED) known.clear();
  known.set(text, tokens);
  return tokens;
}
