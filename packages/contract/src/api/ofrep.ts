/** The OpenFeature Remote Evaluation Protocol (https://openfeature.dev/specification/appendix-c). */
export const OFREP_FLAGS_PATH = "/ofrep/v1/evaluate/flags";
/** Server-sent events that tell a client to ask again. Its query holds a token of its own. */
export const OFREP_EVENTS_PATH = "/ofrep/v1/events";
