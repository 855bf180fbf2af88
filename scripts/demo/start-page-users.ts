import { setTimeout as pause } from "node:timers/promises";
import type { Story } from "./story.ts";
import { type FailedRequest, Traffic } from "./traffic.ts";

/** What a user saw last. */
interface StartPage {
  readonly version: string;
  readonly ui: string;
  readonly insights: boolean;
}

type Wanted = (page: StartPage, user: number) => boolean;

const THINK_MS = 150;
/** A change must be everywhere so soon after it was answered. */
const SOON_MS = 1_000;
/** Every user has had an answer in so long, however busy the machine is. */
const ALL_MS = 10_000;

/** Users of a tenant who ask for accounting's start page, which tells by itself what flags they have. */
export class StartPageUsers {
  readonly #story: Story;
  readonly #count: number;
  readonly #traffic: Traffic;
  readonly #pages = new Map<number, StartPage>();
  /** When the newest page that is not as wanted was seen, in milliseconds since the process began. */
  #lastOther = 0;
  #wanted: Wanted = () => true;

  constructor({
    story,
    gatewayUrl,
    tenant,
    users,
  }: {
    story: Story;
    gatewayUrl: string;
    tenant: string;
    users: number;
  }) {
    this.#story = story;
    this.#count = users;
    this.#traffic = new Traffic({
      gatewayUrl,
      tenant,
      module: "accounting",
      users,
      thinkMs: THINK_MS,
      next: () => ({ path: "/home" }),
      seen: (user, body) => this.#see(user, body),
    });
  }

  start(): void {
    this.#traffic.start();
  }

  async stop(): Promise<void> {
    await this.#traffic.stop();
  }

  /** Checks what came of all requests since it was asked last. */
  nothingFailed(when: string): void {
    const { requests, failures, slowestMs } = this.#traffic.lap();
    const seen = failures.length === 0 ? `slowest ${slowestMs} ms` : (failures[0]?.what ?? "");
    this.#story.check(`no request failed, ${when}`, failures.length === 0, `${requests} requests, ${seen}`);
  }

  /** Requests that failed, and all, since it was asked last. */
  failed(): { failures: readonly FailedRequest[]; requests: number } {
    return this.#traffic.lap();
  }

  who(has: Wanted): Set<number> {
    return new Set([...this.#pages].flatMap(([user, page]) => (has(page, user) ? [user] : [])));
  }

  /** Checks that all come to have what is wanted. */
  async all(what: string, wanted: Wanted): Promise<void> {
    for (const until = performance.now() + ALL_MS; !this.#isAll(wanted) && performance.now() < until;) await pause(20);
    this.#story.check(what, this.#isAll(wanted), `${this.who(wanted).size} of ${this.#count}`);
  }

  /** The same, right after a change, and within a second of it. */
  async changed(what: string, wanted: Wanted): Promise<void> {
    const since = performance.now();
    this.#lastOther = since;
    this.#wanted = wanted;
    for (; !this.#isAll(wanted) && performance.now() < since + ALL_MS;) await pause(20);
    const ms = Math.round(this.#lastOther - since);
    const seen = ms === 0 ? "none after it" : `the last page of before ${ms} ms after it`;
    const ok = this.#isAll(wanted) && ms <= SOON_MS;
    this.#story.check(what, ok, `${this.who(wanted).size} of ${this.#count}; ${seen}`);
  }

  /** Watches a share grow by itself for a time. */
  async grows(what: string, has: Wanted, ms: number): Promise<void> {
    const since = performance.now();
    let before = this.who(has);
    let lost = 0;
    const sizes: number[] = [];
    while (performance.now() < since + ms) {
      await pause(ms / 10);
      const now = this.who(has);
      lost += [...before].filter((user) => !now.has(user)).length;
      before = now;
      sizes.push(now.size);
    }
    const middle = sizes[Math.floor(sizes.length / 2)] ?? 0;
    const isRamp = middle > this.#count * 0.15 && middle < this.#count * 0.85;
    this.#story.check(`${what} grow in number`, isRamp, sizes.join(", "));
    this.#story.check("nobody fell back", lost === 0, `${lost} did`);
    await this.all(`${what} at the end of the ramp: all`, has);
  }

  /** Checks that about a share of the users has something, once each of them was answered since. */
  async having(what: string, has: Wanted, percent: number): Promise<Set<number>> {
    this.#pages.clear();
    for (; this.#pages.size < this.#count;) await pause(20);
    // The answers of before the change are behind us then.
    await pause(2 * THINK_MS);
    const having = this.who(has);
    const share = (100 * having.size) / this.#count;
    this.#story.check(what, Math.abs(share - percent) <= 20, `${having.size} of ${this.#count}`);
    return having;
  }

  #isAll(wanted: Wanted): boolean {
    return this.who(wanted).size === this.#count;
  }

  #see(user: number, body: string): void {
    const { version, ui, insights } = JSON.parse(body) as { version: string; ui: string; insights?: unknown[] };
    const page = { version, ui, insights: insights !== undefined };
    this.#pages.set(user, page);
    if (!this.#wanted(page, user)) this.#lastOther = performance.now();
  }
}
