import type { FlagResult, FlagSet, FlagValue, TenantFlags } from "@aibos/domain";
import { createFlagFeedClient, type FlagFeedClient, type FlagFeedOptions } from "./flag-feed-client.ts";
import { createUsageBatches } from "./usage-batches.ts";

/** Whom a flag is asked for. */
export interface FlagSubject {
  /** The user in the tenant; without one, the tenant stands for itself. */
  readonly user?: string | undefined;
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}

/** Somebody met a variant of an experiment. */
export interface FlagExposure {
  readonly flag: string;
  readonly variant: string;
  readonly tenant: string;
  readonly user: string | undefined;
}

/** One tenant's flags, evaluated in this process, without waiting: for hot paths. */
export interface TenantFlagClient {
  boolean(key: string, subject?: FlagSubject): boolean;
  /** `fallback` where the flag is unknown, of another type, or the flags are not here yet. */
  string(key: string, fallback: string, subject?: FlagSubject): string;
  number(key: string, fallback: number, subject?: FlagSubject): number;
  object<T extends FlagValue>(key: string, fallback: T, subject?: FlagSubject): T;
  /** The whole result; undefined until the flags are here. */
  details(key: string, subject?: FlagSubject): FlagResult | undefined;
}

export interface LocalFlags {
  /** Resolves when the flags are here. @throws FlagFeedRefusedError */
  ready(): Promise<void>;
  /** @param met told of each guarded rollout that was asked, and whether it took the user in */
  forTenant(tenant: string, met?: (flag: string, isIn: boolean) => void): TenantFlagClient;
  readonly feed: FlagFeedClient;
  close(): Promise<void>;
}

export interface LocalFlagsOptions extends FlagFeedOptions {
  /** Called when somebody meets a variant of a flag of kind `experiment`, once for each user and variant. */
  readonly exposed?: (exposure: FlagExposure) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const MAX_EXPOSURES = 100_000;

/**
 * Flags that are evaluated in this process: kept up with the control plane's, and there while it is away.
 *
 * @example
 *   const flags = createLocalFlags({ url, key });
 *   await flags.ready();
 *   if (flags.forTenant("acme").boolean("new_ui_enabled", { user: "ann" })) …
 */
export function createLocalFlags(options: LocalFlagsOptions): LocalFlags {
  const { exposed, now = Date.now } = options;
  const feed = createFlagFeedClient(options);
  const usage = createUsageBatches((batch) => feed.report(batch));
  const exposures = new Set<string>();

  function expose(flag: string, { variant }: FlagResult, tenant: string, user: string | undefined): void {
    if (exposed === undefined || variant === undefined) return;
    if (feed.set?.definition(flag)?.kind !== "experiment") return;
    const once = [flag, variant, tenant, user ?? ""].join("\0");
    if (exposures.has(once)) return;
    if (exposures.size >= MAX_EXPOSURES) exposures.clear();
    exposures.add(once);
    exposed({ flag, variant, tenant, user });
  }

  function forTenant(tenant: string, met?: (flag: string, isIn: boolean) => void): TenantFlagClient {
    let of: FlagSet | undefined;
    let own: TenantFlags | undefined;
    function details(key: string, subject?: FlagSubject): FlagResult | undefined {
      const { set } = feed;
      if (set === undefined) return undefined;
      // Another snapshot is another set.
      if (own === undefined || set !== of) own = set.forTenant(tenant);
      of = set;
      const result = own.evaluate(key, subject?.user, subject?.attributes, now(), met);
      usage.count(key, result);
      if (exposed !== undefined) expose(key, result, tenant, subject?.user);
      return result;
    }
    return {
      details,
      boolean: (key, subject) => details(key, subject)?.value === true,
      string(key, fallback, subject) {
        const value = details(key, subject)?.value;
        return typeof value === "string" ? value : fallback;
      },
      number(key, fallback, subject) {
        const value = details(key, subject)?.value;
        return typeof value === "number" ? value : fallback;
      },
      object<T extends FlagValue>(key: string, fallback: T, subject?: FlagSubject): T {
        const value = details(key, subject)?.value;
        // The flag's declared type says what is in it.
        return typeof value === "object" && value !== null ? (value as T) : fallback;
      },
    };
  }

  return {
    feed,
    forTenant,
    ready: () => feed.ready(),
    async close() {
      await usage.close();
      await feed.close();
    },
  };
}
