import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publishExamples } from "../publish-examples.ts";
import type { Chapter, ChapterParts } from "./chapter.ts";

const TENANTS = 30;
const MODULE = "accounting";
const [OLD, NEW] = ["1.5.0", "2.0.0"] as const;
const LABELS = { group: "customisers" };
const COMMAND = fileURLToPath(new URL("../../../packages/cli/src/main.ts", import.meta.url));
const NAMES = Array.from({ length: TENANTS }, (_, n) => `own-${String(n + 1).padStart(2, "0")}`);
/** Who has which customisation that 2.0.0 does not go together with. */
const WITH_FIELD = NAMES.slice(0, 14);
const WITH_TEMPLATE = NAMES.slice(14, 28);
const WITH_HOOK = NAMES.slice(28);
const [FIELD_TENANT = "", TEMPLATE_TENANT = "", HOOK_TENANT = ""] = [WITH_FIELD[0], WITH_TEMPLATE[0], WITH_HOOK[0]];
const HOOK = '{"expression":{"if":[{">":[{"+":[{"var":"total"}]},100]},"call the customer","nothing to do"]}}';

/** Thirty tenants changed what they may change; an upgrade asks two questions, and carries everything along. */
export const customisations: Chapter = {
  name: "customisations",
  title: `${TENANTS} tenants' customisations, three conflicts, two decisions`,
  tell: async (parts) => new Customisations(parts).tell(),
};

class Customisations {
  readonly #parts: ChapterParts;

  constructor(parts: ChapterParts) {
    this.#parts = parts;
  }

  async tell(): Promise<void> {
    const { story } = this.#parts;
    story.step(`${TENANTS} tenants at accounting ${OLD}, all of whom changed their settings`);
    story.note(`${WITH_FIELD.length} have a custom field customers.vat_id; ${NEW} brings a column of that name.`);
    story.note(`${WITH_TEMPLATE.length} changed the greeting of their invoices; so did the vendor.`);
    story.note(`${WITH_HOOK.length} have a hook on posted invoices; ${NEW} calls it with other fields.`);
    await this.#prepare();
    const before = await this.#contentsOf(TEMPLATE_TENANT);
    await this.#askForImpact();
    await this.#decide();
    await this.#upgrade();
    await this.#goBack(before);
  }

  async #prepare(): Promise<void> {
    const { platform, story } = this.#parts;
    await publishExamples(platform.dataFolder);
    const left = [...NAMES];
    const work = async (): Promise<void> => {
      for (let tenant = left.shift(); tenant !== undefined; tenant = left.shift()) await this.#customise(tenant);
    };
    await Promise.all(Array.from({ length: 6 }, work));
    const customer = { name: "Ada Lovelace", email: "ada@example.com", custom_fields: { vat_id: "DE123" } };
    const added = await this.#ask(FIELD_TENANT, "/customers", customer);
    story.check(`a customer of ${FIELD_TENANT} has a value in the tenant's own column`, added.status === 201, "DE123");
    await this.#ask(HOOK_TENANT, "/customers", { name: "Bob", email: "bob@example.com" });
    const line = { description: "Work", quantity: 1, unit_price: 150 };
    const draft = { customer_id: 1, issued_on: "2027-01-31", lines: [line] };
    await this.#ask(HOOK_TENANT, "/invoices", draft);
    const { hook } = (await (await this.#ask(HOOK_TENANT, "/invoices/1/post", {})).json()) as { hook?: unknown };
    const called = JSON.stringify(hook);
    story.same(`${HOOK_TENANT}'s hook is evaluated`, '{"status":"called","result":"call the customer"}', called);
  }

  async #customise(tenant: string): Promise<void> {
    const { client } = this.#parts;
    await client.createTenant({ id: tenant, labels: LABELS });
    await client.install(tenant, MODULE, OLD);
    const set = async (name: string, change: (content: string) => string): Promise<void> => {
      const { content } = await client.getCustomization(tenant, MODULE, name);
      await client.setCustomization(tenant, MODULE, name, { content: change(content), author: "ann" });
    };
    await set("settings", (content) => content.replace('"dueDays": 21', '"dueDays": 30'));
    if (WITH_FIELD.includes(tenant)) {
      await client.addCustomField(tenant, MODULE, { table: "customers", name: "vat_id", type: "text", author: "ann" });
    } else if (WITH_TEMPLATE.includes(tenant)) {
      await set("invoice", (content) => content.replace("Dear customer,", "Dear friends,"));
    } else {
      await set("on-invoice-posted", () => HOOK);
    }
  }

  async #askForImpact(): Promise<void> {
    const { client, story } = this.#parts;
    story.step(`What would ${NEW} mean for all of them? Nobody is moved for the answer`);
    const { conflicts } = await client.customizationImpact(MODULE, OLD, NEW);
    const told = conflicts.map(({ name, path, kind, tenants }) => `${name}${path} (${kind}) of ${tenants}`);
    story.note(told.join("\n"));
    const kinds = conflicts.map(({ kind, tenants }) => `${tenants} ${kind}`).sort();
    const expected = [
      `${WITH_FIELD.length} custom-field`,
      `${WITH_TEMPLATE.length} text`,
      `${WITH_HOOK.length} hook-payload`,
    ];
    story.same("three distinct conflicts", expected.sort().join(", "), kinds.join(", "));
  }

  async #decide(): Promise<void> {
    const { platform } = this.#parts;
    const file = join(platform.dataFolder, "greeting.txt");
    await writeFile(file, "Good day, friends,\n");
    await this.#command(["--path", "/customers/vat_id", "--strategy", "vendor"]);
    await this.#command(["--name", "invoice", "--strategy", "value", "--file", file]);
  }

  async #command(options: readonly string[]): Promise<void> {
    const { platform, story } = this.#parts;
    const words = ["resolve-conflicts", "-m", MODULE, "--from", OLD, "-v", NEW, ...options];
    story.step(`aibos-versions ${words.join(" ").replace(platform.dataFolder, "…")}`);
    const run = [COMMAND, ...words, "--author", "carol", "--data-dir", platform.dataFolder];
    const command = spawn(process.execPath, run, { stdio: ["ignore", "inherit", "inherit"] });
    const [code] = await once(command, "exit");
    story.check("it is decided, for all who have it", code === 0, `exit code ${String(code)}`);
  }

  async #upgrade(): Promise<void> {
    const { client, story } = this.#parts;
    story.step(
      `All ${TENANTS} are upgraded. The third conflict is left: it keeps back those who have it, and nobody else`,
    );
    const options = { labels: LABELS, concurrency: 6, waves: [{ upTo: 100, soakSeconds: 0 }], maxFailures: "50%" };
    const fleet = await client.startFleetUpgrade(MODULE, NEW, options);
    const { counts } = await client.waitForFleetUpgrade(fleet.id);
    const moved = WITH_FIELD.length + WITH_TEMPLATE.length;
    story.check(`${moved} are on ${NEW}`, counts["moved"] === moved, JSON.stringify(counts));
    const { traffic } = await client.getTenantModule(HOOK_TENANT, MODULE);
    story.same(`${HOOK_TENANT} is where it was`, `{"${OLD}":100}`, JSON.stringify(traffic));
    const answer = await this.#ask(FIELD_TENANT, "/customers");
    const { customers } = (await answer.json()) as { customers: { vat_id?: string }[] };
    story.same(`${FIELD_TENANT}'s own values are in the column of ${NEW}`, "DE123", customers[0]?.vat_id ?? "nothing");
    const contents = await this.#contentsOf(TEMPLATE_TENANT);
    const template = contents["invoice"] ?? "";
    story.check(
      `${TEMPLATE_TENANT}'s template has the decision, and what is new`,
      template.includes("Good day, friends,") && template.includes("{{open_minor}}"),
      template.split("\n")[2] ?? "",
    );
    story.check("all keep their settings", (contents["settings"] ?? "").includes('"dueDays": 30'), '"dueDays": 30');
  }

  async #goBack(before: Record<string, string>): Promise<void> {
    const { client, story } = this.#parts;
    story.step(`${TEMPLATE_TENANT} goes back, and up again`);
    await client.rollbackTenant(TEMPLATE_TENANT, MODULE, undefined, { acceptDataLoss: true });
    const back = JSON.stringify(await this.#contentsOf(TEMPLATE_TENANT)) === JSON.stringify(before);
    story.check("going back gives back what was there, to the byte", back, `${Object.keys(before).length} contents`);
    const { status } = await client.migrateTenant(TEMPLATE_TENANT, MODULE, NEW);
    story.check("nobody is asked a second time", status === "succeeded", status);
  }

  async #contentsOf(tenant: string): Promise<Record<string, string>> {
    const all = await this.#parts.client.listCustomizations(tenant, MODULE);
    return Object.fromEntries(all.map(({ name, content }) => [name, content]));
  }

  #ask(tenant: string, path: string, body?: object): Promise<Response> {
    const url = `${this.#parts.platform.gatewayUrl}/t/${tenant}/${MODULE}${path}`;
    if (body === undefined) return fetch(url);
    return fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  }
}
