import { DomainError } from "@aibos/domain";

/** A migration needs an extension of PostgreSQL that only the operator can bring. */
export class ExtensionUnavailableError extends DomainError {
  readonly code = "AIBOS_EXTENSION_UNAVAILABLE";
  readonly extension: string;
  constructor(place: string, extension: string, detail: string) {
    super(`${place}: it needs PostgreSQL's extension "${extension}", ${detail}.`);
    this.extension = extension;
  }
}
