import { randomUUID } from "node:crypto";
import { DatabaseError } from "pg";
import { signWebhook } from "@aibos/contract";
import {
  compileDocumentSchema,
  compileExpression,
  type CompiledExpression,
  type DocumentSchema,
  formatPath,
  type JsonValue,
  readDocumentText,
} from "@aibos/domain";
import { HookPayloadError } from "./hook-payload-error.ts";
import { postWebhook } from "./post-webhook.ts";

/** What came of a hook. Nothing that a tenant wrote, or that answers for one, makes the module fail. */
export type HookOutcome =
  /** The tenant has no such hook. */
  | { readonly status: "none" }
  /** What the expression gave, or the webhook answered as JSON; null where it said nothing. */
  | { readonly status: "called"; readonly result: JsonValue }
  | { readonly status: "failed"; readonly reason: string };

/** The hooks of one request's tenant. */
export interface TenantHooks {
  /**
   * Calls what the tenant has at an extension point, if anything: evaluates its expression in this process, or posts to its
   * webhook, signed. Call it when the transaction has ended: what was not stored must not be told.
   *
   * @param name as the manifest's `customizable` has it
   * @param options.timeoutMs for a webhook; 2,000 unless told, and 10,000 at most
   * @throws HookPayloadError for a payload that is not what the manifest says, which is the module's mistake
   */
  call(
    name: string,
    payload: Readonly<Record<string, unknown>>,
    options?: { timeoutMs?: number },
  ): Promise<HookOutcome>;
}

/** A hook as the platform stores it. */
export interface StoredHook {
  readonly content: string;
  /** JSON Schema of the payload. */
  readonly schema: string;
  /** The tenant's key for signatures, `whsec_…`. */
  readonly secret: string;
}

export interface HookCaller {
  call(
    stored: StoredHook,
    about: { name: string; tenant: string; payload: Readonly<Record<string, unknown>>; timeoutMs: number },
  ): Promise<HookOutcome>;
}

const TIMEOUT_MS = 2_000;
const LONGEST_MS = 10_000;
/** Compiled expressions and schemas that are kept; tenants have far fewer different ones than there are calls. */
const KEPT = 500;
/** SQLSTATEs of a database without the platform's functions, as one that tests set up. */
const NO_PLATFORM = new Set(["3F000", "42883"]);

/** @param read gives the tenant's hook in a transaction of its own; undefined when the release declares none of the name */
export function tenantHooks(
  caller: HookCaller,
  place: { module: string; version: string; tenant: string },
  read: (name: string) => Promise<StoredHook | undefined>,
): TenantHooks {
  return {
    async call(name, payload, { timeoutMs = TIMEOUT_MS } = {}) {
      let stored: StoredHook | undefined;
      try {
        stored = await read(name);
      } catch (error) {
        if (error instanceof DatabaseError && NO_PLATFORM.has(error.code ?? "")) return { status: "none" };
        throw error;
      }
      if (stored === undefined) {
        throw new HookPayloadError(name, `${place.module} ${place.version} declares no such hook in its manifest`);
      }
      const about = { name, tenant: place.tenant, payload, timeoutMs: Math.min(timeoutMs, LONGEST_MS) };
      return caller.call(stored, about);
    },
  };
}

/** Calls hooks for a process of one module version. */
export function createHookCaller(options: {
  module: string;
  version: string;
  privateAddresses: boolean;
  now: () => number;
}): HookCaller {
  const { module, version, privateAddresses, now } = options;
  const schemas = new Map<string, DocumentSchema>();
  const expressions = new Map<string, CompiledExpression>();

  function checkPayload(name: string, schema: string, payload: Readonly<Record<string, unknown>>): JsonValue {
    const compiled = kept(schemas, schema, () => compileDocumentSchema(readDocumentText(schema, "yaml").value));
    // As a receiver gets it: without what JSON does not have.
    const sent = JSON.parse(JSON.stringify(payload)) as JsonValue;
    const [violation] = compiled.validate(sent);
    if (violation === undefined) return sent;
    throw new HookPayloadError(name, `its payload is not valid: ${formatPath(violation.path)} ${violation.message}`);
  }

  return {
    async call({ content, schema, secret }, { name, tenant, payload, timeoutMs }) {
      const sent = checkPayload(name, schema, payload);
      const hook = JSON.parse(content) as null | { url: string } | { expression: JsonValue };
      if (hook === null) return { status: "none" };
      if ("expression" in hook) {
        const evaluate = kept(expressions, content, () => compileExpression(hook.expression));
        const facts = { tenant, module, version, payload: sent as Record<string, JsonValue>, now: now() };
        const found = evaluate(facts);
        if ("failure" in found) return { status: "failed", reason: `The expression failed: ${found.failure}.` };
        return { status: "called", result: found.result };
      }
      const id = `hook_${randomUUID()}`;
      const event = { type: name, timestamp: new Date(now()).toISOString(), tenant, module, version, data: sent };
      const body = JSON.stringify(event);
      try {
        const headers = signWebhook(secret, id, body, now());
        const { status, text } = await postWebhook(hook.url, body, { headers, timeoutMs, privateAddresses });
        if (status < 200 || status > 299) return { status: "failed", reason: `The webhook answered ${status}.` };
        return { status: "called", result: readAnswer(text) };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { status: "failed", reason: `The webhook gave no answer: ${why}.` };
      }
    },
  };
}

function readAnswer(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}

function kept<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key) ?? make();
  known.delete(key);
  known.set(key, found);
  const [oldest] = known.keys();
  if (known.size > KEPT && oldest !== undefined) known.delete(oldest);
  return found;
}
