// Subnet 50's error: a stable code, what happened to what, and what to do next.
// Raised for bad configuration and refused input; a rival's invalid answer is a verdict text, never an error.

export type Sn50ErrorCode =
  | 'SWARM_E_UNKNOWN_ASSET'
  | 'SWARM_E_UNKNOWN_PROFILE'
  | 'SWARM_E_UNKNOWN_COMPETITION'
  | 'SWARM_E_PROFILE_INVALID'
  | 'SWARM_E_SLOT_INVALID'
  | 'SWARM_E_PROMPT_REFUSED'
  | 'SWARM_E_PRICE_UNWRITABLE'
  | 'SWARM_E_ANSWER_SHAPE'
  | 'SWARM_E_ANSWER_NOT_JSON'
  | 'SWARM_E_MARKET_RANGE';

export class Sn50Error extends Error {
  override readonly name = 'Sn50Error';
  constructor(
    readonly code: Sn50ErrorCode,
    message: string,
    /** What the reader should do next. */
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
