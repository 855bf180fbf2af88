import { DomainError } from "@aibos/domain";

/** The control plane's route feed can't be read on. */
export class FeedError extends DomainError {
  readonly code = "AIBOS_GATEWAY_FEED";
  /** Whether the same place of the feed would fail again, so that a snapshot is needed. */
  readonly needsSnapshot: boolean;

  constructor(message: string, { needsSnapshot, ...options }: ErrorOptions & { needsSnapshot: boolean }) {
    super(message, options);
    this.needsSnapshot = needsSnapshot;
  }
}
