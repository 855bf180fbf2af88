import { endToEndHeaders } from "./hop-by-hop.ts";

/** What the gateway adds to a module's answer. */
export interface AnswerFacts {
  readonly requestId: string;
  readonly version: string;
  /** A cookie to set, for a user who had none. */
  readonly setCookie: string | undefined;
}

const REPLACED: ReadonlySet<string> = new Set(["x-request-id", "x-aibos-version"]);

/** The raw header list for the client, from the module's. */
export function clientHeaders(raw: readonly string[], facts: AnswerFacts): string[] {
  const headers = endToEndHeaders(raw, (name) => REPLACED.has(name));
  headers.push("x-request-id", facts.requestId, "x-aibos-version", facts.version);
  if (facts.setCookie !== undefined) headers.push("set-cookie", facts.setCookie);
  return headers;
}
