import { seedAccounting } from "../../../examples/accounting/seed.ts";
import { publishExamples } from "../publish-examples.ts";
import { StartPageUsers } from "../start-page-users.ts";
import type { Chapter, ChapterParts } from "./chapter.ts";

const USERS = 40;
const TENANT = "wayne";
const MODULE = "accounting";
const RAMP_MS = 5_000;

/** Two flags of accounting's start page, seen by its users: toggled, ramped, killed, and carried to another version. */
export const featureFlags: Chapter = {
  name: "flags",
  title: "Feature flags: toggled live, ramped, killed, and taken along",
  tell: async (parts) => new FeatureFlags(parts).tell(),
};

class FeatureFlags {
  readonly #parts: ChapterParts;
  readonly #users: StartPageUsers;

  constructor(parts: ChapterParts) {
    this.#parts = parts;
    const { story, platform } = parts;
    this.#users = new StartPageUsers({ story, gatewayUrl: platform.gatewayUrl, tenant: TENANT, users: USERS });
  }

  async tell(): Promise<void> {
    const { story } = this.#parts;
    await this.#prepare();
    story.step(`${USERS} users of ${TENANT} look at accounting's start page, again and again`);
    this.#users.start();
    try {
      await this.#users.all("every user has the classic page", ({ ui, insights }) => ui === "classic" && !insights);
      await this.#toggle();
      await this.#ramp();
      await this.#kill();
      await this.#move();
    } finally {
      await this.#users.stop();
    }
  }

  async #prepare(): Promise<void> {
    const { story, client, platform } = this.#parts;
    story.step(
      `Publish accounting: 1.5.0 and 2.0.0 declare new_ui_enabled and ai_insights_enabled. ${TENANT} has 1.5.0`,
    );
    await publishExamples(platform.dataFolder);
    await client.createTenant({ id: TENANT });
    await client.install(TENANT, MODULE, "1.5.0");
    const size = { customers: 5, invoices: 30, payments: 10 };
    const baseUrl = `${platform.gatewayUrl}/t/${TENANT}/${MODULE}`;
    await seedAccounting({ baseUrl, title: TENANT, size, parallel: 4 });
  }

  async #toggle(): Promise<void> {
    const { story, client } = this.#parts;
    for (const value of [true, false]) {
      story.step(`update-feature-flags -t ${TENANT} -m ${MODULE} -f '{"new_ui_enabled":${value}}'`);
      await client.updateFeatureFlags(TENANT, MODULE, { new_ui_enabled: value });
      const wanted = value ? "new" : "classic";
      await this.#users.changed(`every user has the ${wanted} page`, ({ ui }) => ui === wanted);
    }
    await client.updateFeatureFlags(TENANT, MODULE, { new_ui_enabled: null });
  }

  /** A ramp that nobody turns up, and a share in two steps: who is in stays in. */
  async #ramp(): Promise<void> {
    const { story, client } = this.#parts;
    const start = Date.now();
    const [from, until] = [start, start + RAMP_MS].map((at) => new Date(at).toISOString());
    story.step(
      `flags rule new_ui_enabled -t ${TENANT}: a ramp from 0 to 100 % of its users within ${RAMP_MS / 1_000} s`,
    );
    await client.setFlagRule(MODULE, "new_ui_enabled", {
      level: "tenant",
      tenant: TENANT,
      setting: { rollout: { ramp: { from: 0, to: 100, start: from, end: until } } },
    });
    await this.#users.grows("users with the new page", ({ ui }) => ui === "new", RAMP_MS);

    const share = async (percent: number): Promise<Set<number>> => {
      story.step(`flags rule ai_insights_enabled -t ${TENANT} --set '{"rollout":{"percent":${percent}}}'`);
      const setting = { rollout: { percent } };
      await client.setFlagRule(MODULE, "ai_insights_enabled", { level: "tenant", tenant: TENANT, setting });
      return this.#users.having(`about ${percent} % of the users have insights`, ({ insights }) => insights, percent);
    };
    const first = await share(20);
    const second = await share(50);
    const gone = [...first].filter((user) => !second.has(user));
    story.check("nobody lost them", gone.length === 0, `all ${first.size} of before still have them`);
  }

  async #kill(): Promise<void> {
    const { story, client } = this.#parts;
    const before = this.#users.who(({ insights }) => insights);
    story.step(`flags kill ai_insights_enabled -m ${MODULE} --reason "too slow"`);
    await client.killFlag(MODULE, "ai_insights_enabled", true, { reason: "too slow" });
    await this.#users.changed("nobody has insights, whatever is set", ({ insights }) => !insights);
    const { result, steps } = await client.explainFeatureFlag(TENANT, MODULE, "ai_insights_enabled", {
      user: "user-1",
    });
    story.same("flags explain says why", "DISABLED: kill switch", `${result.reason}: ${steps.at(-1)?.rule}`);
    story.step("flags kill ai_insights_enabled --end");
    await client.killFlag(MODULE, "ai_insights_enabled", false);
    await this.#users.changed("those who had insights have them again, and nobody else", ({ insights }, user) => {
      return insights === before.has(user);
    });
  }

  async #move(): Promise<void> {
    const { story, client } = this.#parts;
    const before = this.#users.who(({ insights }) => insights);
    story.step(`migrate-tenant -t ${TENANT} -m ${MODULE} -v 2.0.0: what is set comes along`);
    const { steps } = await client.migrateTenant(TENANT, MODULE, "2.0.0");
    const carried = steps.find(({ name }) => name === "carry-flags")?.detail;
    story.same("flags that came along as they were", 2, Number(carried?.["kept"]));
    await this.#users.all("every user has the same page as before, from 2.0.0", (page, user) => {
      return page.version === "2.0.0" && page.ui === "new" && page.insights === before.has(user);
    });
  }
}
