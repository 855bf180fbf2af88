import { describeWrites } from "@aibos/contract";
import { addAwkwardInvoice, correctAwkwardInvoice } from "../../../examples/accounting/awkward-invoice.ts";
import { readBooks } from "../../../examples/accounting/books.ts";
import { seedAccounting } from "../../../examples/accounting/seed.ts";
import { AccountingUsers, booksSeen } from "../accounting-users.ts";
import { publishExamples } from "../publish-examples.ts";
import { refused } from "../refused.ts";
import type { Chapter, ChapterParts } from "./chapter.ts";

const USERS = 60;
const SIZE = { customers: 40, invoices: 450, payments: 60 };

/** One tenant from 1.0.0 to 2.0.0 and back, under traffic all the time. */
export const foundation: Chapter = {
  name: "foundation",
  title: "A tenant's accounting moves from 1.0.0 to 2.0.0 and back",
  tell: async (parts) => new Foundation(parts).tell(),
};

class Foundation {
  readonly #parts: ChapterParts;
  readonly #users: AccountingUsers;
  readonly #acme: { baseUrl: string };
  readonly #globex: { baseUrl: string };

  constructor(parts: ChapterParts) {
    this.#parts = parts;
    const { story, platform } = parts;
    const { gatewayUrl } = platform;
    this.#users = new AccountingUsers({ story, gatewayUrl, tenant: "acme", users: USERS });
    this.#acme = this.#users.place;
    this.#globex = { baseUrl: `${gatewayUrl}/t/globex/accounting` };
  }

  async tell(): Promise<void> {
    await this.#publish();
    await this.#createTenants();
    const { story } = this.#parts;
    const globexBefore = await readBooks(this.#globex);
    story.step(`${USERS} users of acme begin to work, and do not stop until the end`);
    this.#users.tellWhatTheyDo();
    this.#users.start();
    try {
      await this.#sideBySide();
      const awkward = await this.#failedMigration();
      await this.#migration(awkward);
      await this.#rollback();
    } finally {
      await this.#users.stop();
    }
    story.step("And the other tenant?");
    const globexAfter = await readBooks(this.#globex);
    story.same("globex still runs 1.0.0, with its books untouched", booksSeen(globexBefore), booksSeen(globexAfter));
    const { items } = await this.#parts.client.listDeployments();
    const one = items.find(({ version, module }) => module === "accounting" && version === "1.0.0");
    story.check("its version's process was never restarted", one?.restarts === 0, `pid ${one?.pid}`);
  }

  async #publish(): Promise<void> {
    const { story, platform, client } = this.#parts;
    story.step("Publish three versions of accounting, and a guestbook that uses nothing of ours");
    for (const line of await publishExamples(platform.dataFolder)) story.note(line);
    const path = await client.getMigrationPath("1.0.0", "2.0.0", "accounting");
    story.same("the way from 1.0.0 to 2.0.0", "1.0.0 → 1.5.0 → 2.0.0", path.join(" → "));
  }

  async #createTenants(): Promise<void> {
    const { story, platform, client } = this.#parts;
    story.step("Create two tenants, install accounting 1.0.0 and fill their books");
    for (const [id, title] of [
      ["acme", "Acme"],
      ["globex", "Globex"],
    ] as const) {
      await client.createTenant({ id, title });
      await client.install(id, "accounting", "1.0.0");
    }
    const [seeded] = await Promise.all([
      seedAccounting({ ...this.#acme, title: "Acme", size: SIZE, parallel: 6 }),
      seedAccounting({
        ...this.#globex,
        title: "Globex",
        size: { customers: 15, invoices: 40, payments: 20 },
        seed: 2,
      }),
    ]);
    const books = await this.#users.look();
    story.check(
      "acme has its own schema with everything in it",
      books.invoices === seeded.invoices && books.lines === seeded.lines && books.posted === seeded.posted,
      booksSeen(books),
    );

    await client.install("acme", "guestbook", "1.0.0");
    const guestbook = `${platform.gatewayUrl}/t/acme/guestbook/entries`;
    const headers = { "content-type": "application/json" };
    await fetch(guestbook, { method: "POST", headers, body: JSON.stringify({ author: "Ada", text: "Hello" }) });
    const { entries } = (await (await fetch(guestbook)).json()) as { entries: unknown[] };
    story.check("the guestbook wrote and read", entries.length === 1, `${entries.length} entry`);
  }

  async #sideBySide(): Promise<void> {
    const { story, client } = this.#parts;
    story.step("1.5.0 beside 1.0.0, on the same data; 20 % of the users get it");
    await client.enableSideBySideVersions("acme", "accounting", "1.5.0");
    await client.updateTrafficSplit("acme", "accounting", { "1.0.0": 80, "1.5.0": 20 });
    this.#users.newStretch();
    await this.#users.stretch(["1.0.0", "1.5.0"]);
    const at20 = this.#users.on("1.5.0");
    story.check("about a fifth of the users", at20.size >= 6 && at20.size <= 20, `${at20.size} of ${USERS} on 1.5.0`);

    story.step("Half and half");
    await client.updateTrafficSplit("acme", "accounting", { "1.0.0": 50, "1.5.0": 50 });
    this.#users.newStretch();
    await this.#users.stretch(["1.0.0", "1.5.0"]);
    const at50 = this.#users.on("1.5.0");
    const moved = [...at20].filter((user) => !at50.has(user));
    story.check("about half of the users", at50.size >= 20 && at50.size <= 40, `${at50.size} of ${USERS} on 1.5.0`);
    story.check("nobody went backwards", moved.length === 0, `all ${at20.size} of before are still on 1.5.0`);

    story.step("Complete: 1.5.0 takes over, 1.0.0 is shut out");
    await client.completeMigration("acme", "accounting", "1.5.0");
    this.#users.newStretch();
    await this.#users.stretch(["1.5.0"]);
    await this.#users.everyWriteIsThere();
  }

  /** An invoice that 2.0.0 can't take: its migration fails in the middle, by itself. */
  async #failedMigration() {
    const { story, client } = this.#parts;
    story.step("1.5.0 → 2.0.0 with a failure in the middle");
    const awkward = await addAwkwardInvoice(this.#acme);
    story.note(
      `2.0.0 counts in whole cents. Invoice ${awkward.number} has a unit price of 10.005: it can't be brought over.`,
    );
    await this.#users.stopWriting();
    const before = await this.#checksum("before a migration that fails");
    const { id } = await client.start("acme", "accounting", { kind: "migrate", version: "2.0.0" });
    await refused(story, "a second operation meanwhile is refused", "AIBOS_OPERATION_IN_PROGRESS", () =>
      client.start("acme", "accounting", { kind: "complete", version: "1.5.0" }),
    );
    const migration = await client.waitForMigration(id);
    story.note(migration.failure?.message ?? "");
    const steps = migration.steps.map(({ name, status }) => `${name} ${status}`).join(", ");
    story.check("it failed, and put everything back by itself", migration.status === "rolled-back", steps);
    const after = await this.#checksum("after it");
    story.same("structure and data are what they were: rows", before.rows, after.rows);
    story.same("structure and data are what they were: SHA-256", before.sha256, after.sha256);
    this.#users.writeAgain();
    await this.#users.stretch(["1.5.0"]);
    await this.#users.everyWriteIsThere();
    return awkward;
  }

  async #migration(awkward: Awaited<ReturnType<typeof addAwkwardInvoice>>): Promise<void> {
    const { story, client } = this.#parts;
    story.step("Correct the invoice, and migrate again");
    await correctAwkwardInvoice(this.#acme, awkward);
    const { isValid, holdsRequests } = await client.validateMigration("acme", "accounting", "2.0.0");
    story.check("validation says yes, and that nobody waits", isValid && !holdsRequests, "no hold");
    await this.#users.stopWriting();
    this.#users.newStretch();
    const before = await readBooks(this.#acme);
    const migration = await client.migrateTenant("acme", "accounting", "2.0.0");
    const after = await readBooks(this.#acme);
    story.same(
      "the books are the same in another shape",
      booksSeen(before),
      booksSeen({ ...after, version: before.version }),
    );
    this.#users.writeAgain();
    story.check(
      "nobody waited",
      migration.result.heldMs === undefined,
      migration.steps.map(({ name }) => name).join(", "),
    );
    this.#users.newStretch();
    await this.#users.stretch(["2.0.0"]);
    await this.#users.everyWriteIsThere();
  }

  async #rollback(): Promise<void> {
    const { story, client } = this.#parts;
    story.step("Work on with 2.0.0, then go back to 1.5.0 by hand");
    this.#users.newStretch();
    await this.#users.stretch(["2.0.0"]);
    await this.#users.stopWriting();
    const refusal = await refused(
      story,
      "going back says what would be lost, and wants a yes",
      "AIBOS_DATA_LOSS_NOT_ACCEPTED",
      () => client.rollbackTenant("acme", "accounting"),
    );
    story.note(refusal);
    const back = await client.rollbackTenant("acme", "accounting", undefined, { acceptDataLoss: true });
    story.check(
      "with the yes it goes back",
      back.status === "succeeded",
      `lost: ${describeWrites(back.result.lostWrites ?? [])}`,
    );
    const { items } = await client.listRollbackPoints({ tenant: "acme", module: "accounting" });
    const restored = items.find((point) => point.state === "restored");
    const now = await this.#checksum("after going back");
    story.same("rows are those of the rollback point", restored?.rows ?? 0, now.rows);
    story.same("SHA-256 is that of the rollback point", shortSha(restored?.fingerprint), now.sha256);
    this.#users.newStretch();
    await this.#users.stretch(["1.5.0"]);
    const health = await client.performHealthCheck("acme", "accounting");
    story.check(
      "the health check agrees",
      health.status === "healthy",
      health.checks.map(({ name }) => name).join(", "),
    );
  }

  /** A true copy's row count and digest; the copy stays as a rollback point. */
  async #checksum(reason: string): Promise<{ rows: number; sha256: string }> {
    const point = await this.#parts.client.createRollbackPoint("acme", "accounting", "1.5.0", reason);
    return { rows: point.rows, sha256: shortSha(point.fingerprint) };
  }
}

function shortSha(fingerprint: { structure: string; data: string } | undefined): string {
  return fingerprint === undefined ? "–" : `${fingerprint.structure.slice(0, 12)}… ${fingerprint.data.slice(0, 12)}…`;
}
