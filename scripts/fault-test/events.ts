/** What is being done to the platform, so that a failed request can tell what it met. */
export class Events {
  readonly #startedAt = performance.now();
  readonly #underWay = new Map<symbol, string>();
  #last = "the start";

  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const key = Symbol(name);
    this.#underWay.set(key, name);
    try {
      return await work();
    } finally {
      this.#underWay.delete(key);
      this.#last = name;
    }
  }

  /** Now, in words. */
  describe(): string {
    const names = [...this.#underWay.values()];
    return names.length > 0 ? `during ${names.join(" and ")}` : `after ${this.#last}`;
  }

  /** Seconds since the test began. */
  seconds(): number {
    return Math.round(performance.now() - this.#startedAt) / 1_000;
  }
}
