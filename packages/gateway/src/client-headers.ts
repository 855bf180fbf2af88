import { MET_FLAGS_HEADER, type MetFlag, readMetFlags } from "@aibos/contract";
import { endToEndHeaders } from "./hop-by-hop.ts";
import { endToEndTrailers } from "./trailers.ts";

/** What the gateway adds to a module's answer. */
export interface AnswerFacts {
  readonly requestId: string;
  readonly version: string;
  /** A cookie to set, for a user who had none. */
  readonly setCookie: string | undefined;
}

const REPLACED: ReadonlySet<string> = new Set(["x-request-id", "x-aibos-version", MET_FLAGS_HEADER]);

/** The raw header list for the client, from the module's. */
export function clientHeaders(raw: readonly string[], facts: AnswerFacts): string[] {
  const headers = endToEndHeaders(raw, (name) => REPLACED.has(name));
  headers.push("x-request-id", facts.requestId, "x-aibos-version", facts.version);
  if (facts.setCookie !== undefined) headers.push("set-cookie", facts.setCookie);
  return headers;
}

/** Guarded rollouts of flags that the module says the request met; undefined in the ordinary case, that there are none. */
export function metFlagsOf(raw: readonly string[]): readonly MetFlag[] | undefined {
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (name.length === MET_FLAGS_HEADER.length && name.toLowerCase() === MET_FLAGS_HEADER) {
      return readMetFlags(raw[index + 1] ?? "");
    }
  }
  return undefined;
}

/** The raw list of trailer fields for the client, from the module's. */
export function clientTrailers(raw: readonly string[]): string[] {
  return endToEndTrailers(raw, (name) => REPLACED.has(name));
}
