import { DomainError } from "@aibos/domain";

/** A traffic engine can't be given the routes. */
export class EngineError extends DomainError {
  readonly code = "AIBOS_ENGINE_FAILED";

  /** @param engine what it is called, such as "HAProxy" */
  constructor(engine: string, detail: string, cause?: unknown) {
    super(`${engine} was not brought in step: ${detail}`, { cause });
  }
}
