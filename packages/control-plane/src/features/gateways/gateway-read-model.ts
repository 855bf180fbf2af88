import { sql } from "kysely";
import { HoldTimeoutError } from "@aibos/contract";
import type { ModuleId, TenantId } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import type { Notifications } from "../../db/notifications.ts";
import { IS_LIVE, MAY_SERVE } from "./gateway-store.ts";

/** How long a wait goes on without a notice before it looks for itself, in milliseconds. */
const POLL_MS = 200;

export interface LiveGateway {
  readonly id: string;
  readonly url: string;
  /** The newest revision of the routes that it applied. */
  readonly revision: number;
}

export interface GatewayWait {
  /** Whose route it is about; what concerns all routes has none. */
  readonly tenant?: TenantId;
  readonly module?: ModuleId;
  /** The revision that must have been applied. */
  readonly revision: number;
  readonly timeoutMs: number;
  /** Whether requests that began before the route's newest change must have ended, too. */
  readonly alsoDrained: boolean;
  /** Whether gateways that have fallen silent are waited for, too: they may serve by older routes. */
  readonly alsoSilent?: boolean;
}

export interface GatewayReadModel {
  /** The gateways that were heard of in the last seconds, by identifier. */
  liveGateways(): Promise<LiveGateway[]>;
  /**
   * Resolves when every live gateway is as far as is asked, at once when there is none. A gateway that falls silent
   * meanwhile is not waited for any longer unless silent ones are, and one that comes up is.
   *
   * @throws HoldTimeoutError
   */
  waitUntilApplied(wait: GatewayWait): Promise<{ gateways: number; waitedMs: number }>;
}

export function createGatewayReadModel(options: {
  database: ControlDatabase;
  notifications: Notifications;
  now: () => number;
}): GatewayReadModel {
  const { db } = options.database;
  const { notifications, now } = options;

  /** Every gateway that counts, with what it is late with; null: nothing. */
  async function lateness({ tenant, module, revision, alsoDrained, alsoSilent = false }: GatewayWait) {
    const route = JSON.stringify([{ tenant, module }]);
    return db
      .selectFrom("gateways")
      .select([
        "id",
        sql<"revision" | "requests" | null>`case
          when applied_revision < ${revision} then 'revision'
          when ${alsoDrained} and draining @> ${route}::jsonb then 'requests'
        end`.as("late"),
      ])
      .where(alsoSilent ? MAY_SERVE : IS_LIVE)
      .orderBy("id")
      .execute();
  }

  return {
    liveGateways: () =>
      db
        .selectFrom("gateways")
        .select(["id", "url", "applied_revision as revision"])
        .where(IS_LIVE)
        .orderBy("id")
        .execute(),

    async waitUntilApplied(wait) {
      const started = now();
      for (;;) {
        // Listening begins before looking: a report in between is not missed.
        const notice = nextNotice(notifications);
        try {
          const gateways = await lateness(wait);
          const late = gateways.filter((gateway) => gateway.late !== null);
          const waitedMs = now() - started;
          if (late.length === 0) return { gateways: gateways.length, waitedMs };
          if (waitedMs >= wait.timeoutMs) throw new HoldTimeoutError(describe(wait, late), wait.timeoutMs / 1_000);
          await notice.within(Math.min(POLL_MS, wait.timeoutMs - waitedMs));
        } finally {
          notice.stop();
        }
      }
    },
  };
}

function nextNotice(notifications: Notifications) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unsubscribe = notifications.on("aibos_gateways", () => resolve());
  let timer: NodeJS.Timeout | undefined;
  return {
    within(ms: number): Promise<void> {
      timer = setTimeout(resolve, ms);
      return promise;
    },
    stop(): void {
      clearTimeout(timer);
      unsubscribe();
    },
  };
}

/** As the beginning of the sentence that {@link HoldTimeoutError} makes. */
function describe({ tenant, module }: GatewayWait, late: readonly { id: string; late: string | null }[]): string {
  const waitsFor = late.some((gateway) => gateway.late === "revision")
    ? "Applying the new route"
    : "The end of requests under way";
  const names = late.slice(0, 5).map((gateway) => `"${gateway.id}"`);
  const more = late.length > names.length ? ` and ${late.length - names.length} more` : "";
  const whose = tenant === undefined ? "" : ` of tenant "${tenant}", module "${module}"`;
  return `${waitsFor}${whose}, at gateway ${names.join(", ")}${more}`;
}
