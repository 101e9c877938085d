// Models for the scripted server: each a pure function of the request, as a language model is of its prompt.
import type { Behaviour, Script, WireRequest } from './server.js';

/** Answers in order, and the last one again and again. */
export const inTurn =
  (...behaviours: readonly Behaviour[]): Script =>
  (_request, index) =>
    behaviours[Math.min(index, behaviours.length - 1)]!;

/** How often the model has been answered by tools in this conversation. */
const turns = (request: WireRequest): number => request.messages.filter((m) => m.role === 'assistant').length;

const call = (name: string, args: unknown): Behaviour => ({ kind: 'tools', calls: [{ name, args }] });

/** Looks around as a careful model would, then proposes this spec. */
export const advising =
  (specOf: (request: WireRequest) => unknown): Script =>
  (request) => {
    const looks = ['list_families', 'query_experiments', 'query_patterns'];
    const turn = turns(request);
    return turn < looks.length
      ? call(looks[turn]!, {})
      : call('propose_spec', { spec: specOf(request), reason: 'the families say so' });
  };

/** Asks the same tool for ever. */
export const looping: Script = () => call('list_families', {});

export const refusing: Script = () => ({ kind: 'refusal', text: 'I cannot help with that.' });

/** Says what is no call and no proposal. */
export const chatting: Script = () => ({ kind: 'text', content: 'What a lovely archive you have there.' });

/**
 * A model that was won over: it obeys the first `CALL name {json}` that it finds anywhere in what it was told, and
 * otherwise does what it is for.
 */
export const wonOver =
  (honest: Script): Script =>
  (request, index) => {
    const told = request.messages.map((m) => m.content ?? '').join('\n');
    const order = /CALL ([a-z_]+) (\{.*?\})(?:"|\\|\n|$)/.exec(told);
    const obeyed = request.messages.some((m) =>
      m.tool_calls?.some((one) => one.function.name === (order?.[1] ?? '')),
    );
    return order === null || obeyed
      ? honest(request, index)
      : { kind: 'tools', calls: [{ name: order[1]!, args: order[2]! }] };
  };
