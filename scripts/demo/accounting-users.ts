import { type Books, readBooks } from "../../examples/accounting/books.ts";
import type { Story } from "./story.ts";
import { type FailedRequest, Traffic, type TrafficReport, type UserRequest } from "./traffic.ts";

/** How long traffic runs between two changes, so that there is something to see. */
const STRETCH_MS = 2_500;
const THINK_MS = 400;
/** Every user has had an answer in so long, however busy the machine is. */
const ALL_MS = 10_000;

export interface AccountingUsersOptions {
  readonly story: Story;
  readonly gatewayUrl: string;
  readonly tenant: string;
  readonly users: number;
  /** A version with a fault on purpose: its failures are counted apart. */
  readonly faulty?: string;
}

/**
 * Users of one tenant's accounting who read lists, invoices and the summary, and post drafts: writes that every version
 * understands, so that no acknowledged one may be missing, whatever is done to the tenant meanwhile.
 */
export class AccountingUsers {
  readonly #story: Story;
  readonly #traffic: Traffic;
  readonly #count: number;
  /** Where the tenant's accounting answers. */
  readonly place: { baseUrl: string };
  /** Drafts that nobody has posted yet. */
  #drafts: number[] = [];
  /** Invoices that were there when they began. */
  #invoices = 0;
  /** Posted invoices that there must be: those of the beginning, and one for every write that was acknowledged. */
  #posted = 0;
  readonly #faulty: string | undefined;
  /** What the faulty version's users met of its fault. */
  readonly faults: FailedRequest[] = [];
  #writing = true;

  constructor({ story, gatewayUrl, tenant, users, faulty }: AccountingUsersOptions) {
    this.#story = story;
    this.#count = users;
    this.#faulty = faulty;
    this.place = { baseUrl: `${gatewayUrl}/t/${tenant}/accounting` };
    this.#traffic = new Traffic({
      gatewayUrl,
      tenant,
      module: "accounting",
      users,
      thinkMs: THINK_MS,
      next: (user, turn) => this.#nextRequest(user, turn),
    });
  }

  /** Looks at the books as they are, before anybody works. */
  async look(): Promise<Books> {
    const books = await readBooks(this.place);
    this.#drafts = await draftsOf(this.place.baseUrl);
    this.#posted = books.posted;
    this.#invoices = books.invoices;
    return books;
  }

  start(): void {
    this.#traffic.start();
  }

  /** From now on they only read; resolves when all writes under way have ended. */
  async stopWriting(): Promise<void> {
    this.#writing = false;
    await this.#traffic.quiet(() => Promise.resolve());
  }

  writeAgain(): void {
    this.#writing = true;
  }

  tellWhatTheyDo(): void {
    this.#story.note("They read lists, invoices and the summary, and post drafts. Every answer names its version.");
  }

  async stop(): Promise<void> {
    await this.#traffic.stop();
    const last = this.#lap();
    this.#story.check(this.#nothingFailed("to the very end"), last.failures.length === 0, requestsSeen(last));
  }

  /** What the users met so far is told with the change before; from here on it is the new version's. */
  newStretch(more?: string): void {
    const lap = this.#lap();
    this.#story.check(
      this.#nothingFailed("during the change"),
      lap.failures.length === 0,
      [requestsSeen(lap), more].filter(Boolean).join("; "),
    );
  }

  /** Lets the users work for a while, then shows what they met. */
  async stretch(versions: readonly string[]): Promise<void> {
    await new Promise((resolve) => {
      setTimeout(resolve, STRETCH_MS);
    });
    const lap = this.#lap();
    this.#story.check(this.#nothingFailed(), lap.failures.length === 0, requestsSeen(lap));
    this.#story.same("versions that answered", versions.join(", "), Object.keys(lap.versions).join(", "));
  }

  /** Compares the books with what users were told, while nobody makes a request. */
  async everyWriteIsThere(): Promise<void> {
    const { posted } = await this.#traffic.quiet(() => readBooks(this.place));
    this.#lap();
    this.#story.same("every acknowledged write is there: posted invoices", this.#posted, posted);
  }

  /** Users whom a version answered last. */
  on(version: string): Set<number> {
    return new Set([...this.#traffic.versionsSeen()].flatMap(([user, seen]) => (seen === version ? [user] : [])));
  }

  /** Waits until every user was answered by this version, for some seconds at most; tells how many were. */
  async allOn(version: string): Promise<number> {
    for (const until = performance.now() + ALL_MS; this.on(version).size < this.#count && performance.now() < until;) {
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    return this.on(version).size;
  }

  get size(): number {
    return this.#count;
  }

  #nothingFailed(when = ""): string {
    const fault = this.#faulty === undefined ? "" : `but by the fault of ${this.#faulty}`;
    return ["no request failed", when, fault].filter((part) => part !== "").join(" ");
  }

  #lap(): TrafficReport {
    const lap = this.#traffic.lap();
    this.#posted += lap.written;
    const faults = lap.failures.filter(({ version }) => version === this.#faulty);
    this.faults.push(...faults);
    return { ...lap, failures: lap.failures.filter((failure) => !faults.includes(failure)) };
  }

  #nextRequest(user: number, turn: number): UserRequest {
    if (this.#writing && (user + turn) % 40 === 0) {
      const draft = this.#drafts.pop();
      if (draft !== undefined) return { method: "POST", path: `/invoices/${draft}/post` };
    }
    const paths = [
      "/invoices?limit=20",
      "/customers?limit=20",
      `/invoices/${1 + ((user * 7 + turn) % this.#invoices)}`,
      "/summary",
    ];
    return { path: paths[(user + turn) % paths.length] ?? "/summary" };
  }
}

async function draftsOf(baseUrl: string): Promise<number[]> {
  const drafts: number[] = [];
  for (let after: number | null = 0; after !== null;) {
    const response = await fetch(
      `${baseUrl}/invoices?limit=200&after=${after === 0 ? "" : after}`.replace(/&after=$/, ""),
    );
    const page = (await response.json()) as {
      invoices: { id: number; posted_at: string | null }[];
      next: number | null;
    };
    drafts.push(...page.invoices.filter((invoice) => invoice.posted_at === null).map(({ id }) => id));
    after = page.next;
  }
  return drafts;
}

export function booksSeen({ version, customers, invoices, posted, lines, payments, billed, paid }: Books): string {
  return `${version}: ${customers} customers, ${invoices} invoices (${posted} posted), ${lines} lines, ${payments} payments, billed ${billed}, paid ${paid}`;
}

function requestsSeen({ requests, failures, versions, slowestMs, written }: TrafficReport): string {
  const shares = Object.entries(versions).map(([version, count]) => `${version} ${count}`);
  const seen = `${requests} requests (${shares.join(", ")}), ${written} writes, slowest ${slowestMs} ms`;
  if (failures.length === 0) return seen;
  const first = failures.slice(0, 5).map(({ what }) => what);
  return `${seen}; ${failures.length} failed: ${first.join(" | ")}`;
}
