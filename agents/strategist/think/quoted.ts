// Text of others on its way into a prompt: data with an id and an owner, never part of what the prompt says itself.
// Promises: one JSON value on one line, whatever the text holds; bounded; no control characters.
import { shortText } from '../../../blackboard/text.js';

const LONGEST_TEXT = 600;
const LONGEST_RESULT = 12_000;

/** A text that somebody else wrote, marked as such. */
export interface Quoted {
  readonly quoted: string;
  readonly from: 'you' | 'another owner';
}

export const quote = (text: string, owner: string, me: string): Quoted => ({
  quoted: shortText(text).slice(0, LONGEST_TEXT),
  from: owner === me ? 'you' : 'another owner',
});

/** What a tool found, as a message: the envelope says what is in it before the content does. */
export function asData(tool: string, found: unknown): string {
  const whole = JSON.stringify({ tool, data: found });
  if (whole.length <= LONGEST_RESULT) return whole;
  if (!Array.isArray(found)) return JSON.stringify({ tool, error: 'too much to show: ask for less' });
  const fit = Math.floor((found.length * LONGEST_RESULT) / whole.length / 2);
  return asData(
    tool,
    [...found.slice(0, Math.max(1, fit)), { left_out: found.length - fit }].slice(0, fit + 1),
  );
}
