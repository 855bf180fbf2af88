import { OFREP_EVENTS_PATH } from "@aibos/contract";
import type { FlagResult, FlagSet, Version } from "@aibos/domain";
import type { FlagEvaluators } from "../../features/feature-flags/flag-evaluators.ts";
import type { FlagKeys } from "../../features/feature-flags/flag-keys.ts";
import type { FlagUsageCounter } from "../../features/feature-flags/flag-usage.ts";
import type { TenantVersions } from "../../features/feature-flags/tenant-versions.ts";
import {
  answerEmpty,
  answerFailure,
  answerJson,
  type FlagExchange,
  readText,
  type TenantHolder,
} from "./flag-exchange.ts";
import { bulkBody, failureBody, successBody } from "./ofrep-body.ts";
import { type OfrepContext, readOfrepContext } from "./ofrep-context.ts";

/** How long an answer waits for a change that its client was told of, in milliseconds. */
const TOLD_MS = 1_000;

/** The OpenFeature Remote Evaluation Protocol, for the tenant that a key speaks for. */
export interface Ofrep {
  evaluate(exchange: FlagExchange, holder: TenantHolder, key: string): Promise<void>;
  evaluateAll(exchange: FlagExchange, holder: TenantHolder): Promise<void>;
}

export function createOfrep(parts: {
  evaluators: FlagEvaluators;
  versions: TenantVersions;
  keys: FlagKeys;
  usage: FlagUsageCounter;
  now: () => number;
}): Ofrep {
  const { evaluators, versions, keys, usage, now } = parts;
  const rests = new WeakMap<TenantHolder, { set: FlagSet; text: string }>();

  /** The live version that a context names, or else the one with most users. */
  async function setFor({ tenant, module }: TenantHolder, { attributes }: OfrepContext): Promise<FlagSet | undefined> {
    const live = versions.ready(tenant, module) ?? (await versions.of(tenant, module));
    const wanted = attributes["version"];
    const version = live.find((one: Version) => one === wanted) ?? live[0];
    if (version === undefined) return undefined;
    return evaluators.readySetFor(module, version, tenant) ?? evaluators.setFor(module, version, tenant);
  }

  /** What follows the flags: where they are from, and where changes are told. Written once for a holder and a set. */
  function restFor(holder: TenantHolder, set: FlagSet): string {
    const known = rests.get(holder);
    if (known?.set === set) return known.text;
    const requestUri = `${OFREP_EVENTS_PATH}?token=${keys.eventsToken(holder)}`;
    const streams = JSON.stringify([{ type: "sse", endpoint: { requestUri }, inactivityDelaySec: 120 }]);
    const text = `"metadata":${JSON.stringify(set.metadata)},"eventStreams":${streams}`;
    rests.set(holder, { set, text });
    return text;
  }

  /** Whom the request asks for; undefined when it was answered already. */
  async function contextOf(exchange: FlagExchange, key?: string): Promise<OfrepContext | undefined> {
    const text = await readText(exchange.request);
    const named = key === undefined ? {} : { key };
    if (text === undefined) {
      answerFailure(exchange, 413, { ...named, errorCode: "PARSE_ERROR", errorDetails: "The context is too large." });
      return undefined;
    }
    const context = readOfrepContext(text);
    if (!("errorCode" in context)) return context;
    answerFailure(exchange, 400, { ...named, ...context });
    return undefined;
  }

  function answerOne(exchange: FlagExchange, holder: TenantHolder, key: string, result: FlagResult): void {
    if (result.errorCode === "FLAG_NOT_FOUND") return answerJson(exchange, 404, failureBody(key, result));
    const { flagSetVersion } = result.flagMetadata;
    usage.count(holder.module, flagSetVersion, key, result.variant ?? "");
    if (result.errorCode !== undefined) return answerJson(exchange, 400, failureBody(key, result));
    return answerJson(exchange, 200, successBody(key, result));
  }

  return {
    async evaluate(exchange, holder, key) {
      const context = await contextOf(exchange, key);
      if (context === undefined) return;
      const set = await setFor(holder, context);
      if (set === undefined) return answerNoVersion(exchange, key);
      const { user, attributes } = context;
      const result = set.evaluate(key, { tenant: holder.tenant, user, attributes }, now());
      return answerOne(exchange, holder, key, result);
    },

    async evaluateAll(exchange, holder) {
      const context = await contextOf(exchange);
      if (context === undefined) return;
      const told = Number(exchange.query.get("flagConfigEtag") ?? 0);
      if (told > evaluators.revision) await evaluators.waitFor(told, TOLD_MS);
      const set = await setFor(holder, context);
      if (set === undefined) return answerNoVersion(exchange);
      const { flags, etag } = bulkBody(set, holder.tenant, context, now());
      if (isKnown(exchange, etag)) return answerEmpty(exchange, 304, { etag });
      return answerJson(exchange, 200, `{"flags":${flags},${restFor(holder, set)}}`, { etag });
    },
  };
}

function isKnown({ request }: FlagExchange, etag: string): boolean {
  const known = request.headers["if-none-match"];
  return known !== undefined && known.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}

function answerNoVersion(exchange: FlagExchange, key?: string): void {
  answerFailure(exchange, 404, {
    ...(key === undefined ? {} : { key }),
    errorCode: "FLAG_NOT_FOUND",
    errorDetails: "No version of the module is live for the tenant.",
  });
}
