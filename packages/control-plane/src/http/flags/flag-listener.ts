import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import {
  FLAG_EVENTS_PATH,
  FLAG_SNAPSHOT_PATH,
  FLAG_USAGE_PATH,
  flagUsageBatchSchema,
  OFREP_EVENTS_PATH,
  OFREP_FLAGS_PATH,
} from "@aibos/contract";
import { DomainError, type Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";
import { isLostConnection } from "../../db/lost-connection.ts";
import type { FlagEvaluators } from "../../features/feature-flags/flag-evaluators.ts";
import type { FlagKeyHolder, FlagKeys } from "../../features/feature-flags/flag-keys.ts";
import { readFlagSnapshot } from "../../features/feature-flags/flag-read-model.ts";
import type { FlagUsageCounter } from "../../features/feature-flags/flag-usage.ts";
import type { TenantVersions } from "../../features/feature-flags/tenant-versions.ts";
import { createFlagEvents } from "./flag-events.ts";
import { answerEmpty, answerFailure, answerJson, type FlagExchange, keyOf, readText } from "./flag-exchange.ts";
import { createOfrep } from "./ofrep.ts";
import { createRateLimit } from "./rate-limit.ts";

export interface FlagListenerParts {
  readonly database: ControlDatabase;
  readonly evaluators: FlagEvaluators;
  readonly versions: TenantVersions;
  readonly keys: FlagKeys;
  readonly usage: FlagUsageCounter;
  readonly log: Logger;
  readonly now: () => number;
  /** Requests in a second that one key may make. */
  readonly requestsPerSecond: number;
}

/** Answers programs that evaluate flags, who have a flag key and not the operator's token. */
export interface FlagListener {
  /** Takes the request when it is for flags. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
  end(): void;
}

const PREFLIGHT = {
  "access-control-allow-methods": "GET, POST",
  "access-control-allow-headers": "authorization, content-type, if-none-match, x-api-key",
  "access-control-max-age": "7200",
};

export function createFlagListener(parts: FlagListenerParts): FlagListener {
  const { database, versions, keys, usage, log, now } = parts;
  const ofrep = createOfrep(parts);
  const events = createFlagEvents(parts);
  const limit = createRateLimit(parts.requestsPerSecond, now);

  /** Who asks; undefined when it was answered that nobody knows them. */
  async function holderOf(exchange: FlagExchange): Promise<FlagKeyHolder | undefined> {
    const key = keyOf(exchange);
    const holder = key === undefined ? undefined : (keys.readyHolderOf(key) ?? (await keys.holderOf(key)));
    if (key === undefined || holder === undefined) {
      const errorDetails = "Send a flag key: authorization: Bearer <key>.";
      answerFailure(exchange, 401, { errorCode: "GENERAL", errorDetails }, { "www-authenticate": "Bearer" });
      return undefined;
    }
    const wait = limit.take(key);
    if (wait === 0) return holder;
    const errorDetails = `This key may ask ${parts.requestsPerSecond} times a second.`;
    answerFailure(exchange, 429, { errorCode: "GENERAL", errorDetails }, { "retry-after": String(wait) });
    return undefined;
  }

  async function answerOfrep(exchange: FlagExchange): Promise<void> {
    const { path } = exchange;
    const key = path === OFREP_FLAGS_PATH ? undefined : keyInPath(path);
    if (exchange.request.method !== "POST") return answerEmpty(exchange, 405, { allow: "POST" });
    const holder = await holderOf(exchange);
    if (holder === undefined) return;
    if (holder.kind !== "tenant") {
      const errorDetails = "This key is of a module's process, which evaluates by itself.";
      return answerFailure(exchange, 403, { errorCode: "GENERAL", errorDetails });
    }
    return key === undefined ? ofrep.evaluateAll(exchange, holder) : ofrep.evaluate(exchange, holder, key);
  }

  async function answerRefetch(exchange: FlagExchange): Promise<void> {
    const holder = keys.holderOfEventsToken(exchange.query.get("token") ?? "");
    if (holder === undefined) {
      const errorDetails = "The token is not one of ours.";
      return answerFailure(exchange, 401, { errorCode: "GENERAL", errorDetails });
    }
    return events.refetch(exchange, holder);
  }

  async function answerSnapshot(exchange: FlagExchange): Promise<void> {
    const holder = await holderOf(exchange);
    if (holder === undefined) return;
    const { module } = holder;
    if (holder.kind === "process") {
      const snapshot = await readFlagSnapshot(database, { module, version: holder.version }, "all");
      return answerJson(exchange, 200, JSON.stringify(snapshot));
    }
    const live = await versions.of(holder.tenant, module);
    const version = live.find((one: Version) => one === exchange.query.get("version")) ?? live[0];
    if (version === undefined) {
      const errorDetails = "No version of the module is live for the tenant.";
      return answerFailure(exchange, 404, { errorCode: "FLAG_NOT_FOUND", errorDetails });
    }
    const snapshot = await readFlagSnapshot(database, { module, version }, { tenant: holder.tenant });
    return answerJson(exchange, 200, JSON.stringify(snapshot));
  }

  async function answerEvents(exchange: FlagExchange): Promise<void> {
    const holder = await holderOf(exchange);
    if (holder === undefined) return;
    const since = Number(exchange.request.headers["last-event-id"] ?? exchange.query.get("since") ?? 0);
    return events.follow(exchange, holder, Number.isSafeInteger(since) ? since : 0);
  }

  async function takeUsage(exchange: FlagExchange): Promise<void> {
    const holder = await holderOf(exchange);
    if (holder === undefined) return;
    const batch = flagUsageBatchSchema.safeParse(parseJson((await readText(exchange.request)) ?? ""));
    if (!batch.success) {
      const errorDetails = batch.error.issues[0]?.message ?? "The body is not a batch of counts.";
      return answerFailure(exchange, 400, { errorCode: "PARSE_ERROR", errorDetails });
    }
    const { version, counts } = batch.data;
    for (const { flag, variant, evaluations } of counts)
      usage.count(holder.module, version, flag, variant, evaluations);
    return answerEmpty(exchange, 204);
  }

  function routeOf({ path, request }: FlagExchange): ((exchange: FlagExchange) => Promise<void>) | undefined {
    if (path === OFREP_FLAGS_PATH || keyInPath(path) !== undefined) return answerOfrep;
    if (path === OFREP_EVENTS_PATH && request.method === "GET") return answerRefetch;
    if (path === FLAG_SNAPSHOT_PATH && request.method === "GET") return answerSnapshot;
    if (path === FLAG_EVENTS_PATH && request.method === "GET") return answerEvents;
    if (path === FLAG_USAGE_PATH && request.method === "POST") return takeUsage;
    return undefined;
  }

  async function answer(exchange: FlagExchange): Promise<void> {
    if (exchange.request.method === "OPTIONS") return answerEmpty(exchange, 204, PREFLIGHT);
    const route = routeOf(exchange);
    if (route === undefined) {
      return answerFailure(exchange, 404, { errorCode: "GENERAL", errorDetails: "There is no such address." });
    }
    try {
      return await route(exchange);
    } catch (error) {
      return answerError(exchange, error);
    }
  }

  function answerError(exchange: FlagExchange, error: unknown): void {
    if (exchange.response.headersSent) {
      exchange.response.destroy();
    } else if (isLostConnection(error)) {
      const errorDetails = "The control plane's database does not answer at the moment.";
      answerFailure(exchange, 503, { errorCode: "GENERAL", errorDetails }, { "retry-after": "1" });
    } else if (error instanceof DomainError) {
      // The tenant is gone, or uses the module no more: its key opens nothing.
      answerFailure(exchange, 403, { errorCode: "GENERAL", errorDetails: error.message });
    } else {
      log.error({ err: error, path: exchange.path }, "a request for flags failed");
      answerFailure(exchange, 500, {
        errorCode: "GENERAL",
        errorDetails: "Something went wrong that is not your fault.",
      });
    }
  }

  return {
    handle(request, response) {
      const url = request.url ?? "";
      if (!url.startsWith("/ofrep/") && !url.startsWith("/v1/flag-feed/")) return false;
      const mark = url.indexOf("?");
      const path = mark < 0 ? url : url.slice(0, mark);
      const query = mark < 0 ? NO_QUERY : new URLSearchParams(url.slice(mark + 1));
      void answer({ request, response, path, query });
      return true;
    },
    end: () => events.end(),
  };
}

const NO_QUERY = new URLSearchParams();

/** The flag that an address names; undefined for another address. */
function keyInPath(path: string): string | undefined {
  if (!path.startsWith(`${OFREP_FLAGS_PATH}/`)) return undefined;
  const text = path.slice(OFREP_FLAGS_PATH.length + 1);
  if (!text.includes("%")) return text.includes("/") ? undefined : text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
