// What became of a statement that should be refused: the server's code, and the code that a person is shown.
import { explain } from '../../blackboard/db.js';

/** Insufficient privilege. */
export const DENIED = '42501';

export async function refusal(attempt: Promise<unknown>): Promise<{ code: string; known: string }> {
  const error = await attempt.then(
    () => new Error('it was not refused'),
    (e: unknown) => e,
  );
  return {
    code: (error as { code: string }).code,
    known: (explain(error) as { code: string }).code,
  };
}
