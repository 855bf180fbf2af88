/** What the module of this test answers: whether the signed context was good, and until when. */
interface ModuleAnswer {
  readonly isSigned: boolean;
  readonly expires: number;
}

export interface Users {
  /** Requests that were answered with 200, and what went wrong with others. */
  readonly answered: number;
  readonly failures: readonly string[];
  /** Resolves when so many more were answered; rejects at the first failure. */
  more(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Users who send one request after the other, and look at each answer: its context must be good at the clock's time. */
export function startUsers(options: { url: string; count: number; now: () => number }): Users {
  const { url, count, now } = options;
  const failures: string[] = [];
  const waiting = new Set<() => void>();
  let answered = 0;
  const stopping = new AbortController();

  async function one(): Promise<void> {
    const begun = now();
    const response = await fetch(url);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`status ${response.status}: ${text}`);
    const { isSigned, expires } = JSON.parse(text) as ModuleAnswer;
    answered += 1;
    if (!isSigned) throw new Error("the context's signature is wrong");
    if (expires * 1_000 < begun) throw new Error(`the context had expired ${begun - expires * 1_000} ms before`);
  }

  async function user(): Promise<void> {
    while (!stopping.signal.aborted) {
      await one().catch((error: unknown) =>
        failures.push(`${String(error)} ${error instanceof Error ? String(error.cause) : ""}`),
      );
      for (const look of waiting) look();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  const users = Array.from({ length: count }, user);

  return {
    get answered() {
      return answered;
    },
    failures,
    more(wanted) {
      const until = answered + wanted;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = (): void => {
        if (failures.length === 0 && answered < until) return;
        waiting.delete(look);
        if (failures.length > 0) reject(new Error(failures[0]));
        else resolve();
      };
      waiting.add(look);
      return promise;
    },
    async stop() {
      stopping.abort();
      await Promise.all(users);
    },
  };
}
