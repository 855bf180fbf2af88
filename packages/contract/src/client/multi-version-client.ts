import { z } from "zod";
import type { DomainError } from "@aibos/domain";
import { migrationSchema, problemDetailsSchema, publishedSchema } from "../api/models.ts";
import { type LogLine, logLineSchema } from "../api/migration-log.ts";
import { fleetUpgradeSchema } from "../api/fleet-upgrades.ts";
import { performanceReportSchema } from "../api/performance.ts";
import type { Route } from "../api/route.ts";
import {
  MONITOR_PATH,
  PUBLISH_PATH,
  ROUTES,
  type RouteCaller,
  WATCH_FLEET_PATH,
  WATCH_LOG_PATH,
  WATCH_PATH,
} from "../api/routes.ts";
import { ConfigInvalidError, ConnectionRefusedError, RemoteError } from "../errors/request-errors.ts";
import { composeService, hasEnded, isSettled } from "../service/compose-service.ts";
import type { MultiVersionService } from "../service/multi-version-service.ts";
import { readJsonLines } from "./json-lines.ts";

export interface MultiVersionClientOptions {
  /** Base URL of the API, such as `http://127.0.0.1:7400`. */
  url: string;
  /** Bearer token. */
  token: string;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch;
  /** Called before a lost watch is taken up again; gets the delay in milliseconds. */
  sleep?: (ms: number) => Promise<void>;
}

/**
 * The platform over HTTP.
 *
 * @throws RemoteError for every failure that the server reports, ConnectionRefusedError when none answers.
 */
export function createMultiVersionClient(options: MultiVersionClientOptions): MultiVersionService {
  const { token, sleep = defaultSleep } = options;
  const base = options.url.replace(/\/+$/, "");
  const send = options.fetch ?? fetch;

  async function request(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token}`);
    const response = await send(base + path, { ...init, headers }).catch((cause: unknown) => {
      if (init.signal?.aborted === true) throw cause;
      throw new ConnectionRefusedError(base, cause);
    });
    if (!response.ok) throw await failureOf(response, base);
    return response;
  }

  async function callRoute(route: Route, input: CallInput): Promise<unknown> {
    const query = new URLSearchParams(textsOf(input.query));
    const path = addressOf(route.path, input.params) + (query.size > 0 ? `?${query.toString()}` : "");
    const response = await request(path, {
      method: route.method.toUpperCase(),
      ...(input.body === undefined
        ? {}
        : { body: JSON.stringify(input.body), headers: { "content-type": "application/json" } }),
    });
    return route.answer.parse(await response.json());
  }

  const call = Object.fromEntries(
    Object.entries(ROUTES).map(([name, route]) => [name, (input: CallInput) => callRoute(route, input)]),
  ) as unknown as RouteCaller;

  function follow<T>(
    path: string,
    schema: z.ZodType<T>,
    isLast: (value: T) => boolean,
    signal?: AbortSignal,
  ): AsyncGenerator<T> {
    return followFrom({ path: () => path, schema, isLast, isOver: async () => false, signal });
  }

  function followLog(migrationId: string, after: number, signal?: AbortSignal): AsyncGenerator<LogLine> {
    let last = after;
    return followFrom({
      path: () => `${addressOf(WATCH_LOG_PATH, { migrationId })}?after=${last}`,
      schema: logLineSchema,
      isLast: ({ number }) => {
        last = number;
        return false;
      },
      isOver: async () => hasEnded(await call.getMigration({ params: { migrationId }, query: {}, body: undefined })),
      signal,
    });
  }

  // A connection that breaks is taken up again: what is watched goes on whether or not anybody watches.
  async function* followFrom<T>(watched: {
    path: () => string;
    schema: z.ZodType<T>;
    isLast: (value: T) => boolean;
    /** Asked when a stream ended in order. */
    isOver: () => Promise<boolean>;
    signal: AbortSignal | undefined;
  }): AsyncGenerator<T> {
    const { path, schema, isLast, isOver, signal } = watched;
    let failures = 0;
    for (;;) {
      try {
        const response = await request(path(), signal === undefined ? {} : { signal });
        for await (const line of readJsonLines(response)) {
          const value = schema.parse(line);
          failures = 0;
          const isEnd = isLast(value);
          yield value;
          if (isEnd) return;
        }
        if (await isOver()) return;
      } catch (error) {
        if (signal?.aborted === true) return;
        const isAway = error instanceof RemoteError && error.status === 503;
        const lost = isAway || !(error instanceof RemoteError || error instanceof z.ZodError);
        failures += 1;
        if (!lost || failures > MAX_WATCH_FAILURES) throw error;
      }
      await sleep(Math.min(2_000, 100 * 2 ** failures));
    }
  }

  return composeService({
    call,
    watchMigration: (migrationId, signal) =>
      follow(addressOf(WATCH_PATH, { migrationId }), migrationSchema, hasEnded, signal),
    watchMigrationLog: (migrationId, after, signal) => followLog(migrationId, after, signal),
    watchFleetUpgrade: (fleetUpgradeId, signal) =>
      follow(addressOf(WATCH_FLEET_PATH, { fleetUpgradeId }), fleetUpgradeSchema, isSettled, signal),
    monitor: ({ tenant, module, ...query }, signal) => {
      const texts = new URLSearchParams(textsOf(query)).toString();
      const path = `${addressOf(MONITOR_PATH, { tenant, module })}${texts === "" ? "" : `?${texts}`}`;
      return follow(path, performanceReportSchema, () => false, signal);
    },
    publish: async (archive) => {
      const response = await request(PUBLISH_PATH, {
        method: "POST",
        body: Uint8Array.from(archive),
        headers: { "content-type": "application/gzip" },
      });
      return publishedSchema.parse(await response.json());
    },
  });
}

const MAX_WATCH_FAILURES = 15;

type Texts = Record<string, string | number | undefined>;

interface CallInput {
  params: Texts;
  query: Texts;
  body: unknown;
}

function textsOf(values: Texts): [string, string][] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
}

function addressOf(path: string, params: Texts): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
}

async function failureOf(response: Response, base: string): Promise<DomainError> {
  const text = await response.text();
  const problem = problemDetailsSchema.safeParse(parseJson(text));
  if (!problem.success) {
    return new RemoteError({
      code: "AIBOS_INTERNAL",
      message: `The server answered ${response.status} with something that is not a problem description.`,
      status: response.status,
      requestId: response.headers.get("x-request-id"),
      fields: {},
    });
  }
  if (problem.data.code.startsWith("AIBOS_GATEWAY_")) {
    return new ConfigInvalidError(
      `${base} is a gateway, where tenants' users go. Name the address of the API (--url, AIBOS_URL).`,
    );
  }
  const { type: _type, title: _title, status, detail, code, requestId, ...fields } = problem.data;
  return new RemoteError({ code, message: detail, status, requestId, fields });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function defaultSleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
