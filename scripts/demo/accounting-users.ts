import { type Books, readBooks } from "../../examples/accounting/books.ts";
import type { Story } from "./story.ts";
import { Traffic, type TrafficReport, type UserRequest } from "./traffic.ts";

/** How long traffic runs between two changes, so that there is something to see. */
const STRETCH_MS = 2_500;
const THINK_MS = 400;

export interface AccountingUsersOptions {
  readonly story: Story;
  readonly gatewayUrl: string;
  readonly tenant: string;
  readonly users: number;
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
  /** Posted invoices that there must be: those of the beginning, and one for every write that was acknowledged. */
  #posted = 0;
  /** Whether they write, too. */
  writing = true;

  constructor({ story, gatewayUrl, tenant, users }: AccountingUsersOptions) {
    this.#story = story;
    this.#count = users;
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
    return books;
  }

  start(): void {
    this.#story.note("They read lists, invoices and the summary, and post drafts. Every answer names its version.");
    this.#traffic.start();
  }

  async stop(): Promise<void> {
    const last = await this.#traffic.stop();
    this.#story.check("no request failed to the very end", last.failed === 0, requestsSeen(last));
  }

  /** What the users met so far is told with the change before; from here on it is the new version's. */
  newStretch(more?: string): void {
    const lap = this.#lap();
    this.#story.check(
      "no request failed during the change",
      lap.failed === 0,
      [requestsSeen(lap), more].filter(Boolean).join("; "),
    );
  }

  /** Lets the users work for a while, then shows what they met. */
  async stretch(versions: readonly string[]): Promise<void> {
    await new Promise((resolve) => {
      setTimeout(resolve, STRETCH_MS);
    });
    const lap = this.#lap();
    this.#story.check("no request failed", lap.failed === 0, requestsSeen(lap));
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

  get size(): number {
    return this.#count;
  }

  #lap(): TrafficReport {
    const lap = this.#traffic.lap();
    this.#posted += lap.written;
    return lap;
  }

  #nextRequest(user: number, turn: number): UserRequest {
    if (this.writing && (user + turn) % 40 === 0) {
      const draft = this.#drafts.pop();
      if (draft !== undefined) return { method: "POST", path: `/invoices/${draft}/post` };
    }
    const paths = [
      "/invoices?limit=20",
      "/customers?limit=20",
      `/invoices/${1 + ((user * 7 + turn) % 300)}`,
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

function requestsSeen({ requests, failed, failures, versions, slowestMs, written }: TrafficReport): string {
  const shares = Object.entries(versions).map(([version, count]) => `${version} ${count}`);
  const seen = `${requests} requests (${shares.join(", ")}), ${written} writes, slowest ${slowestMs} ms`;
  return failed === 0 ? seen : `${seen}; ${failed} failed: ${failures.join(" | ")}`;
}
