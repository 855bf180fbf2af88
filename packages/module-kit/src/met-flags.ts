import { AsyncLocalStorage } from "node:async_hooks";
import { MET_FLAGS_HEADER, writeMetFlags } from "@aibos/contract";

const REQUESTS = new AsyncLocalStorage<Map<string, boolean>>();

/** A guarded rollout was asked for a user of the request that is being answered. The first answer is the one that counts. */
export function noteMetFlag(flag: string, isIn: boolean): void {
  const met = REQUESTS.getStore();
  if (met !== undefined && !met.has(flag)) met.set(flag, isIn);
}

/** Answers a request, and tells the gateway which guarded rollouts it met: also when it failed, which is what matters. */
export function tellingMetFlags(answer: () => Promise<Response>): Promise<Response> {
  const met = new Map<string, boolean>();
  return REQUESTS.run(met, async () => {
    const response = await answer();
    if (met.size === 0) return response;
    // Some responses, such as a fetched one, take no more fields.
    const told = new Response(response.body, response);
    told.headers.set(MET_FLAGS_HEADER, writeMetFlags(met));
    return told;
  });
}
