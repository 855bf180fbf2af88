import { OpenFeatureEventEmitter, type Provider, ProviderEvents, ProviderFatalError } from "@openfeature/server-sdk";
import { FlagFeedRefusedError } from "./flag-feed-client.ts";
import { createLocalFlags, type LocalFlags, type LocalFlagsOptions } from "./local-flags.ts";
import { type Resolved, resolverMethods, subjectOf } from "./resolver.ts";

export interface LocalProviderOptions extends LocalFlagsOptions {
  /** The tenant that is asked for. A tenant's key opens no other tenant's flags, whatever is said here. */
  readonly tenant: string;
  /** So long `initialize` waits for the first snapshot, in milliseconds; then it goes on trying, with an error. */
  readonly startMs?: number;
}

/**
 * Evaluates in this process, and tells the SDK of its state: ready, stale while the server is away (flags go on), error,
 * and changes of the configuration.
 */
export function createLocalProvider(options: LocalProviderOptions): Provider & { readonly flags: LocalFlags } {
  const { tenant, startMs = 5_000 } = options;
  const flags = createLocalFlags(options);
  const client = flags.forTenant(tenant);
  const events = new OpenFeatureEventEmitter();
  let isStarted = false;

  flags.feed.listen({
    state(state, message) {
      if (!isStarted) return;
      if (state === "ready") events.emit(ProviderEvents.Ready, { message });
      if (state === "stale") events.emit(ProviderEvents.Stale, { message });
      if (state === "failed") events.emit(ProviderEvents.Error, { message });
    },
    changed: (flagsChanged) => {
      if (isStarted) events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged: [...flagsChanged] });
    },
  });

  function resolve(key: string, context: Parameters<typeof subjectOf>[0]): Resolved {
    const { user, attributes } = subjectOf(context);
    const result = client.details(key, { user, attributes });
    if (result !== undefined) return { ...result, flagMetadata: { ...result.flagMetadata } };
    return { errorCode: "PROVIDER_NOT_READY", errorMessage: "The flags are not here yet." };
  }

  return {
    flags,
    events,
    runsOn: "server",
    metadata: { name: "AI-BOS Versions" },
    ...resolverMethods(resolve),
    async initialize() {
      const late = Promise.withResolvers<never>();
      const message = `No flags were received from ${options.url} within ${startMs} ms; the provider goes on trying.`;
      const timer = setTimeout(() => late.reject(new Error(message)), startMs);
      try {
        await Promise.race([flags.ready(), late.promise]);
      } catch (error) {
        if (error instanceof FlagFeedRefusedError) throw new ProviderFatalError(error.message, { cause: error });
        throw error;
      } finally {
        clearTimeout(timer);
        isStarted = true;
      }
    },
    onClose: () => flags.close(),
  };
}
