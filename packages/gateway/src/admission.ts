import type { GatewayProblem } from "./problem.ts";
import type { HoldQueue, HoldTicket } from "./hold-queue.ts";
import type { RouteEntry } from "./route-entry.ts";
import type { RouteKey } from "./route-key.ts";
import type { RouteTable } from "./route-table.ts";

/** Whether a request may go on: to a route, or to a problem. */
export type Admission = { readonly entry: RouteEntry } | { readonly problem: GatewayProblem };

/** Decides which requests go on at once, which wait for a hold to end, and which are refused. */
export class AdmissionDesk {
  readonly #table: RouteTable;
  readonly #holds: HoldQueue;
  readonly #now: () => number;

  constructor(table: RouteTable, holds: HoldQueue, now: () => number) {
    this.#table = table;
    this.#holds = holds;
    this.#now = now;
  }

  /**
   * Calls `settle` once, at once or after waiting. What is returned ends the waiting without an answer, for a client
   * that went away. After a hold the route is looked up again: it may be another one, held again, or gone.
   */
  admit(key: RouteKey, settle: (admission: Admission) => void): HoldTicket {
    const since = this.#now();
    let ticket: HoldTicket | undefined;
    const decide = (): void => {
      const entry = this.#table.route(key);
      if (entry === undefined) return settle({ problem: UNKNOWN_ROUTE });
      if (entry.route.state === "suspended") return settle({ problem: SUSPENDED });
      const { hold } = entry.route;
      if (hold === null) return settle({ entry });
      ticket = this.#holds.wait(key, hold, this.#now() - since, (outcome) => {
        if (outcome === "released") return decide();
        const retryAfterSeconds = hold.retryAfterSeconds;
        if (outcome === "stopping") return settle({ problem: STOPPING });
        if (outcome === "full") return settle({ problem: { ...FULL, retryAfterSeconds } });
        const detail = `This module is being changed for you (${hold.reason}). Try again in ${retryAfterSeconds} s.`;
        return settle({ problem: { code: "AIBOS_GATEWAY_HELD", detail, retryAfterSeconds } });
      });
    };
    decide();
    return { leave: () => ticket?.leave() };
  }
}

/** One text for an unknown tenant and for an unknown module: outsiders can't find out who the tenants are. */
export const UNKNOWN_ROUTE: GatewayProblem = {
  code: "AIBOS_GATEWAY_ROUTE_UNKNOWN",
  detail: "No tenant's module is known at this address. Check the tenant and the module in it.",
};
const SUSPENDED: GatewayProblem = {
  code: "AIBOS_GATEWAY_TENANT_SUSPENDED",
  detail: "This tenant's use of the module is suspended. Ask the operator of the platform.",
};
const STOPPING: GatewayProblem = {
  code: "AIBOS_GATEWAY_STOPPING",
  detail: "This gateway is stopping. Send the request again.",
  retryAfterSeconds: 1,
};
const FULL: GatewayProblem = {
  code: "AIBOS_GATEWAY_HOLD_FULL",
  detail: "This module is being changed for you, and as many requests as can wait are waiting. Try again later.",
};
