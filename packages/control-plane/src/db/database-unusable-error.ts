import { DomainError } from "@aibos/domain";

/** The database that the control plane was given can't be reached, is too old, or does not let it do its work. */
export class DatabaseUnusableError extends DomainError {
  readonly code = "AIBOS_DATABASE_UNUSABLE";

  /** @param url its password is not shown */
  constructor(url: string, problem: string, options?: ErrorOptions) {
    super(`The database ${withoutPassword(url)} can't be used: ${problem}`, options);
  }
}

function withoutPassword(text: string): string {
  const url = URL.parse(text);
  if (url === null) return "that was given";
  return `"${url.pathname.slice(1)}" at ${url.host}${url.username === "" ? "" : ` (as "${decodeURIComponent(url.username)}")`}`;
}
