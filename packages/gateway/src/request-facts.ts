import type { IncomingMessage } from "node:http";
import { readTesterToken, TESTER_TOKEN_COOKIE, TESTER_TOKEN_HEADER, type TesterClaims } from "@aibos/contract";
import { type RequestFacts as RuleFacts, slotOf } from "@aibos/domain";
import { cookieOf } from "./cookie.ts";
import type { RouteKey } from "./route-key.ts";
import type { StickyUser } from "./sticky-user.ts";

/** What the choice of a version looks at. Each is read when it is asked for: most requests are asked for little. */
export class RequestFacts implements RuleFacts {
  readonly path: string;
  readonly now: number;
  readonly #request: IncomingMessage;
  readonly #key: RouteKey;
  readonly #user: StickyUser;
  readonly #testerKey: string;
  #slot: number | undefined;

  /** @param path path and query as the module gets them; `now` is in milliseconds since the epoch */
  constructor(
    request: IncomingMessage,
    about: { key: RouteKey; path: string; user: StickyUser; testerKey: string; now: number },
  ) {
    this.#request = request;
    this.#key = about.key;
    this.#user = about.user;
    this.#testerKey = about.testerKey;
    this.path = about.path;
    this.now = about.now;
  }

  get userKey(): string {
    return this.#user.key;
  }

  /** When the user was first seen, in milliseconds since the epoch; minus infinity for one who has a name. */
  get bornAt(): number {
    return this.#user.bornAt;
  }

  get slot(): number {
    return (this.#slot ??= slotOf(this.#key, this.#user.key));
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return value === undefined ? undefined : utf8Of(Array.isArray(value) ? value.join(", ") : value);
  }

  cookie(name: string): string | undefined {
    const value = cookieOf(this.#request.headers.cookie, name);
    return value === undefined ? undefined : utf8Of(value);
  }

  /** The version that a tester's token asks for, whether or not it serves. */
  testedVersion({ tenant, module }: { tenant: string; module: string }): string | undefined {
    const { headers } = this.#request;
    const token = headers[TESTER_TOKEN_HEADER] ?? cookieOf(headers.cookie, TESTER_TOKEN_COOKIE);
    if (typeof token !== "string") return undefined;
    const claims: TesterClaims | undefined = readTesterToken(token, this.#testerKey, this.now / 1_000);
    return claims?.tenant === tenant && claims.module === module ? claims.version : undefined;
  }
}

/** Node gives header values as latin1; rules are written as the UTF-8 text that was sent. */
function utf8Of(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}
