// What Synth's validator makes of a reply: its own client's demands first, then the checks of the answer, word for word.
import type { ResponseRule } from '../sn50/profile.js';
import type { Prompt } from '../sn50/prompt.js';
import { type PyJson, pythonJson, validateResponseValue } from '../sn50/response.js';
import type { WireReply } from './wire.js';

/** Headers that the client reads as numbers; one that is none costs the whole reply. */
const NUMERIC = /^(timeout|bt_header_(axon|dendrite)_(status_code|process_time|port|version|nonce))$/;

/** 'CORRECT' or the validator's text; a reply that its client cannot use counts as none at all. */
export function wireVerdict(reply: WireReply | null, prompt: Prompt, rule: ResponseRule): string {
  const body = reply === null ? null : usable(reply);
  if (reply === null || body === null) return validateResponseValue(null, prompt, null, rule);
  return validateResponseValue(body['simulation_output'] ?? null, prompt, reply.process_time, rule);
}

function usable({ status, headers, body }: WireReply): { [key: string]: PyJson } | null {
  if (status >= 300) return null;
  for (const [name, value] of Object.entries(headers))
    if (NUMERIC.test(name) && !Number.isFinite(Number(value))) return null;
  let parsed: PyJson;
  try {
    parsed = pythonJson(body);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null;
  return (parsed['simulation_input'] ?? null) === null ? null : parsed;
}
