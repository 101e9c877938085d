// What a look at one thing found.
export interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'warning' | 'failure';
  readonly message: string;
  /** What to do; absent where there is nothing. */
  readonly hint?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, level: 'ok', message });
export const warning = (check: string, message: string, hint: string): Finding => ({
  check,
  level: 'warning',
  message,
  hint,
});
export const failure = (check: string, message: string, hint: string): Finding => ({
  check,
  level: 'failure',
  message,
  hint,
});
