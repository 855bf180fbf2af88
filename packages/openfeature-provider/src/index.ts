export {
  createFlagFeedClient,
  type FlagFeedClient,
  type FlagFeedListener,
  type FlagFeedOptions,
  FlagFeedRefusedError,
  type FlagFeedState,
} from "./flag-feed-client.ts";
export {
  createLocalFlags,
  type FlagExposure,
  type FlagSubject,
  type LocalFlags,
  type LocalFlagsOptions,
  type TenantFlagClient,
} from "./local-flags.ts";
export { createLocalProvider, type LocalProviderOptions } from "./local-provider.ts";
export { createOfrepProvider, type OfrepProviderOptions } from "./ofrep-provider.ts";
