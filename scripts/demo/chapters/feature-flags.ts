import { setTimeout as pause } from "node:timers/promises";
import type { Rollout, RolloutPolicyInput } from "@aibos/contract";
import { seedAccounting } from "../../../examples/accounting/seed.ts";
import { FAULTY, publishFaultyRelease } from "../faulty-release.ts";
import { publishExamples } from "../publish-examples.ts";
import { StartPageUsers } from "../start-page-users.ts";
import type { Chapter, ChapterParts } from "./chapter.ts";

const USERS = 40;
const TENANT = "wayne";
const MODULE = "accounting";
const RAMP_MS = 5_000;
const OTHER = "stark";
/** One step of seconds, where a real rollout takes hours. */
const POLICY: RolloutPolicyInput = {
  steps: [{ weight: 25, holdSeconds: 5 }],
  minimumSamples: 100,
  passes: 1,
  analyses: [{ name: "errors", metric: "error-rate", tolerance: { absolute: 0.005 } }],
};

/** Two flags of accounting's start page, seen by its users: toggled, ramped, killed, carried along, undone by itself. */
export const featureFlags: Chapter = {
  name: "flags",
  title: "Feature flags: toggled live, ramped, killed, taken along, and one that undoes itself",
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
      this.#users.nothingFailed("from beginning to end");
    }
    await this.#guarded();
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

  /** The flag of another tenant's version has a fault behind it. */
  async #guarded(): Promise<void> {
    const { story, client } = this.#parts;
    story.step(
      `${OTHER} has ${FAULTY}, which fails behind ai_insights_enabled; flags rollout: to 25 % of the users first`,
    );
    const users = await this.#otherUsers();
    users.start();
    try {
      await users.all("every user has the page without insights", ({ insights }) => !insights);
      const { id } = await client.startFlagRollout(MODULE, "ai_insights_enabled", { policy: POLICY });
      const ended = await this.#endOf(id);
      story.note(ended.reason);
      story.check("it undid itself", ended.status === "rolled-back", `${ended.status}, ${ended.weight} %`);
      await pause(1_000);
      const { failures, requests } = users.failed();
      story.check("some met the fault", failures.length > 0, `${failures.length} of ${requests} requests failed`);
      await pause(1_000);
      users.nothingFailed("from a second after the verdict on");
      const [change] = (await client.getFlagHistory(MODULE, "ai_insights_enabled")).items;
      story.same("who took it back, in flags history", `rollout ${id}`, change?.author ?? "nobody");
    } finally {
      await users.stop();
    }
  }

  async #otherUsers(): Promise<StartPageUsers> {
    const { story, client, platform } = this.#parts;
    const { gatewayUrl } = platform;
    await publishFaultyRelease(platform.dataFolder);
    await client.createTenant({ id: OTHER });
    await client.install(OTHER, MODULE, FAULTY);
    const baseUrl = `${gatewayUrl}/t/${OTHER}/${MODULE}`;
    await seedAccounting({ baseUrl, title: OTHER, size: { customers: 2, invoices: 6, payments: 2 } });
    return new StartPageUsers({ story, gatewayUrl, tenant: OTHER, users: USERS });
  }

  async #endOf(id: string): Promise<Rollout> {
    for (;;) {
      const rollout = await this.#parts.client.getRollout(id);
      if (rollout.finishedAt !== null) return rollout;
      await pause(100);
    }
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
