import { seedAccounting } from "../../../examples/accounting/seed.ts";
import { AccountingUsers, booksSeen } from "../accounting-users.ts";
import { publishExamples } from "../publish-examples.ts";
import type { Chapter, ChapterParts } from "./chapter.ts";

const USERS = 40;
const SIZE = { customers: 40, invoices: 400, payments: 60 };
const TENANT = "initech";

/** Two shapes of the same data, read and written by both versions at the same time. */
export const liveData: Chapter = {
  name: "live-data",
  title: "1.5.0 and 2.0.0 write the same books at the same time",
  tell: async (parts) => new LiveData(parts).tell(),
};

class LiveData {
  readonly #parts: ChapterParts;
  readonly #users: AccountingUsers;

  constructor(parts: ChapterParts) {
    this.#parts = parts;
    const { story, platform } = parts;
    this.#users = new AccountingUsers({ story, gatewayUrl: platform.gatewayUrl, tenant: TENANT, users: USERS });
  }

  async tell(): Promise<void> {
    const { story, client, platform } = this.#parts;
    story.step("A tenant at 1.5.0: one name a customer, amounts as decimal numbers");
    for (const line of await publishExamples(platform.dataFolder)) story.note(line);
    await client.createTenant({ id: TENANT, title: "Initech" });
    await client.install(TENANT, "accounting", "1.5.0");
    await seedAccounting({ ...this.#users.place, title: "Initech", size: SIZE, parallel: 6, seed: 3 });
    story.note(booksSeen(await this.#users.look()));
    story.step(`${USERS} users begin to work, and do not stop until the end`);
    this.#users.tellWhatTheyDo();
    this.#users.start();
    try {
      await this.#together();
      await this.#back();
      await this.#forGood();
    } finally {
      await this.#users.stop();
    }
  }

  async #together(): Promise<void> {
    const { story } = this.#parts;
    story.step("2.0.0 beside it, on the same data in another shape: two names, whole cents; half of the users get it");
    await this.#bringUp();
    await this.#users.stretch(["1.5.0", "2.0.0"]);
    await this.#users.everyWriteIsThere();
    await this.#add("2.0.0", { given_name: "Emmy", family_name: "Noether", email: "emmy@example.com" });
    story.same("1.5.0 shows whom 2.0.0 wrote", "Emmy Noether", String((await this.#newest("1.5.0"))["name"]));
    await this.#add("1.5.0", { name: "Grace Brewster Hopper", email: "grace@example.com" });
    const { given_name: given, family_name: family } = await this.#newest("2.0.0");
    story.same("2.0.0 shows whom 1.5.0 wrote", "Grace Brewster | Hopper", `${String(given)} | ${String(family)}`);
  }

  async #back(): Promise<void> {
    const { story, client } = this.#parts;
    story.step("Back to 1.5.0: at once, and with what was written through 2.0.0");
    const { result, steps } = await client.rollbackTenant(TENANT, "accounting");
    story.check("nobody waited", result.heldMs === undefined, steps.map(({ name }) => name).join(", "));
    this.#users.newStretch();
    await this.#users.stretch(["1.5.0"]);
    await this.#users.everyWriteIsThere();
    const names = await this.#customers("1.5.0");
    story.same(
      "both customers are there",
      "Emmy Noether, Grace Brewster Hopper",
      names
        .slice(-2)
        .map(({ name }) => String(name))
        .join(", "),
    );
  }

  async #forGood(): Promise<void> {
    const { story, client } = this.#parts;
    story.step("Again, and this time for good: complete takes away what only 1.5.0 needed");
    await this.#bringUp();
    await this.#users.stretch(["1.5.0", "2.0.0"]);
    await client.completeMigration(TENANT, "accounting", "2.0.0");
    this.#users.newStretch();
    await this.#users.stretch(["2.0.0"]);
    await this.#users.everyWriteIsThere();
    const { status, checks } = await client.performHealthCheck(TENANT, "accounting");
    story.check("the health check agrees", status === "healthy", checks.map(({ name }) => name).join(", "));
  }

  async #bringUp(): Promise<void> {
    const { client } = this.#parts;
    await client.enableSideBySideVersions(TENANT, "accounting", "2.0.0");
    await client.updateTrafficSplit(TENANT, "accounting", { "1.5.0": 50, "2.0.0": 50 });
    this.#users.newStretch();
  }

  async #add(version: string, customer: object): Promise<void> {
    const response = await this.#ask(version, "/customers", { method: "POST", body: JSON.stringify(customer) });
    this.#parts.story.check(`a customer is added through ${version}`, response.status === 201, String(response.status));
  }

  async #newest(version: string): Promise<Record<string, unknown>> {
    return (await this.#customers(version)).at(-1) ?? {};
  }

  async #customers(version: string): Promise<Record<string, unknown>[]> {
    const response = await this.#ask(version, "/customers?limit=200");
    const { customers } = (await response.json()) as { customers: Record<string, unknown>[] };
    return customers;
  }

  /** As a user whom this version answers. */
  #ask(version: string, path: string, init: RequestInit = {}): Promise<Response> {
    const [user = 0] = this.#users.on(version);
    const headers = { "x-user-id": `user-${user}`, "content-type": "application/json" };
    return fetch(this.#users.place.baseUrl + path, { ...init, headers });
  }
}
