import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { addAwkwardInvoice } from "../../../examples/accounting/awkward-invoice.ts";
import { seedAccounting } from "../../../examples/accounting/seed.ts";
import { AccountingUsers } from "../accounting-users.ts";
import { publishExamples } from "../publish-examples.ts";
import type { Chapter, ChapterParts } from "./chapter.ts";

const TENANTS = 50;
const [OLD, NEW] = ["1.5.0", "2.0.0"] as const;
const CANARIES = ["shop-01", "shop-02"];
/** Its books have a price of half a cent, which 2.0.0 has no place for. */
const AWKWARD = "shop-37";
const USERS = 20;
const COMMAND = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));

/** All tenants go to a version, batch by batch; one of them can't, and stays as it was. */
export const fleet: Chapter = {
  name: "fleet",
  title: `A force upgrade of ${TENANTS} tenants, one of which can't`,
  tell: async (parts) => new Fleet(parts).tell(),
};

class Fleet {
  readonly #parts: ChapterParts;
  readonly #users: AccountingUsers;

  constructor(parts: ChapterParts) {
    this.#parts = parts;
    const { story, platform } = parts;
    this.#users = new AccountingUsers({
      story,
      gatewayUrl: platform.gatewayUrl,
      tenant: CANARIES[0] ?? "",
      users: USERS,
    });
  }

  async tell(): Promise<void> {
    const { story } = this.#parts;
    story.step(`${TENANTS} tenants at accounting ${OLD}; ${CANARIES.join(" and ")} are canaries`);
    await this.#prepare();
    story.step(`${USERS} users work at ${CANARIES[0]} meanwhile`);
    this.#users.start();
    try {
      await this.#upgrade();
    } finally {
      await this.#users.stop();
    }
  }

  async #prepare(): Promise<void> {
    const { story, client, platform } = this.#parts;
    for (const line of await publishExamples(platform.dataFolder)) story.note(line);
    const names = Array.from({ length: TENANTS }, (_, n) => `shop-${String(n + 1).padStart(2, "0")}`);
    const left = [...names];
    const install = async (): Promise<void> => {
      for (let tenant = left.shift(); tenant !== undefined; tenant = left.shift()) {
        await client.createTenant({ id: tenant, labels: CANARIES.includes(tenant) ? { canary: "true" } : {} });
        await client.install(tenant, "accounting", OLD);
      }
    };
    await Promise.all(Array.from({ length: 6 }, install));
    const size = { customers: 3, invoices: 12, payments: 4 };
    await seedAccounting({ ...this.#users.place, title: CANARIES[0] ?? "", size, parallel: 4 });
    await this.#users.look();
    const awkward = { baseUrl: `${platform.gatewayUrl}/t/${AWKWARD}/accounting` };
    await seedAccounting({ ...awkward, title: AWKWARD, size: { customers: 1, invoices: 2, payments: 1 } });
    const { number } = await addAwkwardInvoice(awkward);
    story.note(`${AWKWARD} has invoice ${number}, with a price of 10.005: ${NEW} counts whole cents.`);
  }

  async #upgrade(): Promise<void> {
    const { story, client, platform } = this.#parts;
    const words = ["force-upgrade-all", "-m", "accounting", "-v", NEW];
    const options = ["--waves", "canary,20,100", "--batch-size", "12", "--max-failures", "3", "--reason", "compliance"];
    const only = ["--concurrency", "6"];
    story.step(`aibos-versions ${[...words, ...options].join(" ")}`);
    const run = [...words, ...options, ...only, "--data-dir", platform.dataFolder];
    const command = spawn(process.execPath, [COMMAND, ...run], { stdio: ["ignore", "inherit", "inherit"] });
    const [code] = await once(command, "exit");
    story.check("the command says that not all is well", code === 1, `exit code ${String(code)}`);
    const [ended] = (await client.listFleetUpgrades({ module: "accounting" })).items;
    const { counts = {}, failures = [], status } = ended ?? {};
    story.check(
      `all but one are on ${NEW}`,
      status === "done" && failures.length === 1 && failures[0]?.tenant === AWKWARD,
      `${status}: ${counts["moved"]} moved, ${counts["failed"]} failed`,
    );
    const { traffic } = await client.getTenantModule(AWKWARD, "accounting");
    story.same(`${AWKWARD} is where it was`, `{"${OLD}":100}`, JSON.stringify(traffic));
    await this.#users.stretch([OLD, NEW]);
    await this.#users.everyWriteIsThere();
  }
}
