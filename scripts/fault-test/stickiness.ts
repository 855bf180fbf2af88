import type { Answer } from "./users.ts";
import { NEW } from "./steady-module.ts";

/**
 * Watches that no user goes back to the old version while weights only rise. Such a rise begins when all gateways have
 * applied the weights that it begins with; requests that began before do not count.
 */
export class Stickiness {
  readonly #tenant: string;
  readonly #seenNew = new Map<string, number>();
  #since: number | undefined;
  rises = 0;
  readonly problems: string[] = [];

  constructor(tenant: string) {
    this.#tenant = tenant;
  }

  beginRise(): void {
    this.#seenNew.clear();
    this.#since = Date.now();
    this.rises += 1;
  }

  endRise(): void {
    this.#since = undefined;
  }

  /** @param when in words */
  observe({ tenant, user, version, startedAt }: Answer, when: string): void {
    if (tenant !== this.#tenant || this.#since === undefined || startedAt < this.#since) return;
    if (version === NEW) {
      this.#seenNew.set(user, this.#seenNew.get(user) ?? startedAt);
      return;
    }
    const seen = this.#seenNew.get(user);
    if (seen !== undefined) {
      this.problems.push(`${user} of ${tenant} went back to the old version ${startedAt - seen} ms later, ${when}`);
    }
  }
}
