// The forecast room's error: a stable code, what happened to what, and what to do next.

export type ForecastErrorCode =
  | 'SWARM_E_BARS_FORMAT'
  | 'SWARM_E_BARS_ORDER'
  | 'SWARM_E_BARS_GAP'
  | 'SWARM_E_BARS_TOO_FEW'
  | 'SWARM_E_SPEC_INVALID'
  | 'SWARM_E_FIT_FAILED'
  | 'SWARM_E_MODEL_REFUSED'
  | 'SWARM_E_MODEL_FAILED'
  | 'SWARM_E_SCORE_INPUT';

export class ForecastError extends Error {
  override readonly name = 'ForecastError';
  constructor(
    readonly code: ForecastErrorCode,
    message: string,
    /** What the reader should do next. */
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
