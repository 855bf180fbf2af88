/** What a stretch of traffic met. */
export interface TrafficReport {
  readonly requests: number;
  readonly failures: readonly FailedRequest[];
  /** Requests by the version that answered. */
  readonly versions: Readonly<Record<string, number>>;
  /** Longest answer in milliseconds: how long requests were held at most. */
  readonly slowestMs: number;
  /** Writes that were acknowledged. */
  readonly written: number;
}

export interface FailedRequest {
  readonly what: string;
  /** That answered; empty when none did. */
  readonly version: string;
  /** When the user knew, in milliseconds since the epoch. */
  readonly at: number;
}

export interface TrafficOptions {
  readonly gatewayUrl: string;
  readonly tenant: string;
  readonly module: string;
  /** Simulated users, each with a request under way at any time. */
  readonly users: number;
  /** Milliseconds that a user thinks between two requests. */
  readonly thinkMs: number;
  /** The request that a user makes next; told the version that answered this user last. */
  readonly next: (user: number, turn: number, version: string | undefined) => UserRequest;
  /** Told of each answer, but for failures. */
  readonly seen?: (user: number, body: string, version: string) => void;
}

export interface UserRequest {
  readonly path: string;
  readonly method?: "GET" | "POST";
  readonly body?: unknown;
}

/** Users who make requests through the gateway without pause, until they are told to stop. */
export class Traffic {
  readonly #options: TrafficOptions;
  readonly #users: Promise<void>[] = [];
  readonly #versionOfUser = new Map<number, string>();
  #stopped = false;
  #paused: Promise<void> | undefined;
  #underWay = 0;
  #window = new Window();

  constructor(options: TrafficOptions) {
    this.#options = options;
  }

  start(): void {
    for (let user = 0; user < this.#options.users; user += 1) this.#users.push(this.#live(user));
  }

  /** Ends the stretch and begins the next one. */
  lap(): TrafficReport {
    const window = this.#window;
    this.#window = new Window();
    return window.report();
  }

  /** Version that each user saw last. */
  versionsSeen(): ReadonlyMap<number, string> {
    return new Map(this.#versionOfUser);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#users);
  }

  /** No user makes a request while `work` runs; those under way end first. */
  async quiet<T>(work: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#paused = promise;
    while (this.#underWay > 0) await pause(5);
    try {
      return await work();
    } finally {
      this.#paused = undefined;
      resolve();
    }
  }

  async #live(user: number): Promise<void> {
    await pause((user * this.#options.thinkMs) / this.#options.users);
    for (let turn = 0; !this.#stopped; turn += 1) {
      await this.#paused;
      this.#underWay += 1;
      await this.#ask(user, turn).finally(() => (this.#underWay -= 1));
      await pause(this.#options.thinkMs);
    }
  }

  async #ask(user: number, turn: number): Promise<void> {
    const { gatewayUrl, tenant, module, next, seen } = this.#options;
    const { path, method = "GET", body } = next(user, turn, this.#versionOfUser.get(user));
    const started = performance.now();
    try {
      const response = await fetch(`${gatewayUrl}/t/${tenant}/${module}${path}`, {
        method,
        headers: {
          "x-user-id": `user-${user}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(60_000),
      });
      const text = await response.text();
      const version = response.headers.get("x-aibos-version") ?? "";
      this.#versionOfUser.set(user, version);
      if (response.ok) {
        this.#window.answered(version, performance.now() - started, method === "POST");
        seen?.(user, text, version);
      } else this.#window.failed(`${method} ${path} → ${response.status} ${text.slice(0, 160)}`, version);
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
      this.#window.failed(`${method} ${path} → ${error instanceof Error ? error.message : String(error)}${cause}`);
    }
  }
}

class Window {
  readonly #versions = new Map<string, number>();
  readonly #failures: FailedRequest[] = [];
  #requests = 0;
  #slowest = 0;
  #written = 0;

  answered(version: string, ms: number, wrote: boolean): void {
    this.#requests += 1;
    this.#slowest = Math.max(this.#slowest, ms);
    this.#versions.set(version, (this.#versions.get(version) ?? 0) + 1);
    if (wrote) this.#written += 1;
  }

  failed(what: string, version = ""): void {
    this.#requests += 1;
    this.#failures.push({ what, version, at: Date.now() });
  }

  report(): TrafficReport {
    return {
      requests: this.#requests,
      failures: this.#failures,
      versions: Object.fromEntries([...this.#versions].sort(([a], [b]) => a.localeCompare(b))),
      slowestMs: Math.round(this.#slowest),
      written: this.#written,
    };
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
