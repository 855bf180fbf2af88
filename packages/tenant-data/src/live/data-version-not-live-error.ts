import { DomainError } from "@aibos/domain";

/** A version of the data is not in the state that is needed. */
export class DataVersionNotLiveError extends DomainError {
  readonly code = "AIBOS_DATA_VERSION_NOT_LIVE";
  constructor(version: string, detail: string) {
    super(`${version} can't be used for this: ${detail}.`);
  }
}
