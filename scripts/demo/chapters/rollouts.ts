import type { Rollout, RolloutPolicyInput } from "@aibos/contract";
import { seedAccounting } from "../../../examples/accounting/seed.ts";
import { AccountingUsers } from "../accounting-users.ts";
import { FAULTY, publishFaultyRelease } from "../faulty-release.ts";
import { publishExamples } from "../publish-examples.ts";
import { refused } from "../refused.ts";
import type { Chapter, ChapterParts } from "./chapter.ts";

const USERS = 50;
const SIZE = { customers: 20, invoices: 120, payments: 40 };
const GOOD = { tenant: "hooli", old: "1.0.0", fresh: "1.5.0" } as const;
const BAD = { tenant: "umbrella", old: "1.5.0", fresh: FAULTY } as const;
type Pair = typeof GOOD | typeof BAD;
/** All traffic must be back so soon after the verdict. */
const BACK_MS = 1_000;

/** One step of seconds, where a real rollout takes hours: processes that have just started may be slow at first. */
const POLICY: RolloutPolicyInput = {
  steps: [{ weight: 25, holdSeconds: 5 }],
  minimumSamples: 100,
  passes: 1,
  analyses: [
    { name: "errors", metric: "error-rate", tolerance: { absolute: 0.005 } },
    { name: "p95", metric: "latency", quantile: 0.95, tolerance: { relative: 2, absolute: 100 } },
  ],
};

/** Two rollouts at the same time, judged by what users meet: one promotes itself, one undoes itself. */
export const rollouts: Chapter = {
  name: "rollouts",
  title: "A rollout that promotes itself, and one that undoes itself",
  tell: async (parts) => new Rollouts(parts).tell(),
};

class Rollouts {
  readonly #parts: ChapterParts;
  readonly #good: AccountingUsers;
  readonly #bad: AccountingUsers;

  constructor(parts: ChapterParts) {
    this.#parts = parts;
    const common = { story: parts.story, gatewayUrl: parts.platform.gatewayUrl, users: USERS };
    this.#good = new AccountingUsers({ ...common, tenant: GOOD.tenant });
    this.#bad = new AccountingUsers({ ...common, tenant: BAD.tenant, faulty: BAD.fresh });
  }

  async tell(): Promise<void> {
    const { story } = this.#parts;
    await this.#publish();
    story.step(`Two tenants: ${GOOD.tenant} at ${GOOD.old}, ${BAD.tenant} at ${BAD.old}, ${USERS} users each`);
    await Promise.all([this.#prepare(GOOD, this.#good), this.#prepare(BAD, this.#bad)]);
    this.#good.tellWhatTheyDo();
    this.#good.start();
    this.#bad.start();
    try {
      await this.#rollOut();
      await this.#nothingIsLost();
    } finally {
      await this.#bad.stop();
      await this.#good.stop();
    }
  }

  async #publish(): Promise<void> {
    const { story, platform } = this.#parts;
    story.step(`Publish accounting, and ${FAULTY}: it divides by zero for each invoice that nobody has paid`);
    for (const line of await publishExamples(platform.dataFolder)) story.note(line);
    story.note(await publishFaultyRelease(platform.dataFolder));
  }

  async #prepare({ tenant, old }: Pair, users: AccountingUsers): Promise<void> {
    const { client } = this.#parts;
    await client.createTenant({ id: tenant });
    await client.install(tenant, "accounting", old);
    await seedAccounting({ ...users.place, title: tenant, size: SIZE, parallel: 4 });
    await users.look();
  }

  async #rollOut(): Promise<void> {
    const { story } = this.#parts;
    story.step(
      `Roll out ${GOOD.fresh} to ${GOOD.tenant} and ${BAD.fresh} to ${BAD.tenant}: 25 % of the users, then all`,
    );
    story.note(
      "Undone when more requests fail (by half a point) or p95 is worse (three times, and 100 ms), at α = 1 %.",
    );
    const good = this.#begin(GOOD);
    await this.#undone(await this.#begin(BAD));
    await this.#promoted(await good);
  }

  /** Starts a rollout and tells each verdict, until it has ended. */
  async #begin({ tenant, old, fresh }: Pair): Promise<Rollout> {
    const { story, client } = this.#parts;
    await client.enableSideBySideVersions(tenant, "accounting", fresh);
    const { id } = await client.startRollout({
      module: "accounting",
      tenants: [tenant],
      oldVersion: old,
      newVersion: fresh,
      policy: POLICY,
    });
    for (let told = 0; ;) {
      const rollout = await client.getRollout(id);
      const news = rollout.verdicts.slice(0, rollout.verdicts.length - told).toReversed();
      for (const { sentence } of news) story.note(`${tenant}, ${fresh}: ${sentence}`);
      told = rollout.verdicts.length;
      if (rollout.finishedAt !== null) return rollout;
      await pause(100);
    }
  }

  async #undone({ status, verdicts, weight }: Rollout): Promise<void> {
    const { story, client } = this.#parts;
    const [verdict] = verdicts;
    story.check(
      `${BAD.fresh} undid itself`,
      status === "rolled-back" && verdict?.verdict === "fail",
      `${status}, ${weight} % on ${BAD.fresh}`,
    );
    await this.#bad.stretch([BAD.old, BAD.fresh]);
    const { faults } = this.#bad;
    const other = faults.filter(({ what }) => !/^GET \/invoices\/\d+ → 500 /.test(what));
    story.check(
      "users met its fault, and nothing else",
      faults.length > 0 && other.length === 0,
      `${faults.length} requests failed, all of them ${FAULTY}'s GET /invoices/…`,
    );
    const afterMs = Math.max(...faults.map(({ at }) => at)) - Date.parse(verdict?.at ?? "");
    story.check(
      "nobody met it any more a second after the verdict",
      afterMs <= BACK_MS,
      afterMs > 0 ? `the last one ${afterMs} ms after it` : `none after it; the last one ${-afterMs} ms before it`,
    );
    story.same(`users who are on ${BAD.old} again`, USERS, await this.#bad.allOn(BAD.old));
    await refused(story, "it is not tried again soon", "AIBOS_ROLLOUT_COOLING_DOWN", () =>
      client.startRollout({ module: "accounting", tenants: [BAD.tenant], oldVersion: BAD.old, newVersion: BAD.fresh }),
    );
  }

  async #promoted({ status, weight }: Rollout): Promise<void> {
    const { story } = this.#parts;
    story.check(`${GOOD.fresh} promoted itself`, status === "promoted", `${status}, ${weight} % on ${GOOD.fresh}`);
    this.#good.newStretch();
    story.same(`users who are on ${GOOD.fresh}`, USERS, await this.#good.allOn(GOOD.fresh));
  }

  async #nothingIsLost(): Promise<void> {
    this.#parts.story.step("And what users wrote meanwhile, through either version?");
    await this.#bad.everyWriteIsThere();
    await this.#good.everyWriteIsThere();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
