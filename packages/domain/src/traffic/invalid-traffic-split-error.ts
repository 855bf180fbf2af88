import { DomainError } from "../domain-error.ts";

/** Shares of traffic that can't be used. */
export class InvalidTrafficSplitError extends DomainError {
  readonly code = "AIBOS_INVALID_TRAFFIC_SPLIT";

  constructor(detail: string) {
    super(
      `The traffic split can't be used: ${detail}. Give each version a share in percent, such as 1.0.0=80 1.5.0=20.`,
    );
  }
}
