// So many of something a second, and no more.

export class Budget {
  #second = 0;
  #taken = 0;

  constructor(readonly perSecond: number) {}

  /** True while this second has some left. */
  take(now_ms = performance.now()): boolean {
    const second = Math.floor(now_ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    this.#taken += 1;
    return this.#taken <= this.perSecond;
  }
}
