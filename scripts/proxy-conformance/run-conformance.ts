import type { RunningProxy } from "../proxies/proxy.ts";
import { ANSWERS } from "./cases/answers.ts";
import { CONNECTIONS } from "./cases/connections.ts";
import { FIELDS } from "./cases/fields.ts";
import { HTTP2 } from "./cases/http2.ts";
import { REQUEST_FRAMING } from "./cases/request-framing.ts";
import { UPGRADES } from "./cases/upgrades.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import type { LaboratoryBench } from "./laboratory.ts";
import { Nonconformance } from "./raw-peer.ts";

export const CONFORMANCE_GROUPS: readonly (readonly [name: string, cases: readonly ConformanceCase[]])[] = [
  ["How requests are framed", REQUEST_FRAMING],
  ["Fields and statuses", FIELDS],
  ["Answers", ANSWERS],
  ["Connections and bodies", CONNECTIONS],
  ["Upgrades", UPGRADES],
  ["HTTP/2", HTTP2],
];

/** "none" is for a protocol that the proxy does not offer. */
export type Verdict = { readonly verdict: "good" | "none" } | { readonly verdict: "bad"; readonly why: string };

/** Runs one case on one proxy. @throws what is no fault of the proxy's */
export async function runCase(one: ConformanceCase, proxy: RunningProxy, bench: LaboratoryBench): Promise<Verdict> {
  if (one.needs === "h2" && proxy.tlsPort === undefined) return { verdict: "none" };
  const laboratory = await bench.begin(proxy);
  try {
    await one.run(laboratory);
    return { verdict: "good" };
  } catch (error) {
    if (error instanceof Nonconformance) return { verdict: "bad", why: error.message };
    // A proxy that died takes no connections.
    if (error instanceof Error && "code" in error && error.code === "ECONNREFUSED") {
      return { verdict: "bad", why: "the proxy does not run any more" };
    }
    throw error;
  }
}
