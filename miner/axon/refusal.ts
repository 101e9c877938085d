// A request that is not answered: the status, the words of the stock axon, and what only our own log may know.

/** Ends a request with a status and `{"message": ...}`. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    /** What the caller reads. */
    message: string,
    /** For the log alone. */
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A body that is no JSON: 422 in the words of FastAPI. */
export class BadBody extends Error {
  readonly detail: string;
  constructor(readonly why: string) {
    super(why);
    this.detail = JSON.stringify({
      detail: [
        { type: 'json_invalid', loc: ['body', 0], msg: 'JSON decode error', input: {}, ctx: { error: why } },
      ],
    });
  }
}
