import { DomainError } from "@aibos/domain";

/** A schema holds something that can't be copied truly; nothing was copied. */
export class CopyUnsupportedError extends DomainError {
  readonly code = "AIBOS_COPY_UNSUPPORTED";
  constructor(schema: string, details: readonly string[], options?: ErrorOptions) {
    super(
      `Schema ${schema} can't be copied truly, so there would be no way back: ${details.slice(0, 5).join("; ")}` +
        `${details.length > 5 ? `; and ${details.length - 5} more` : ""}. Change this in a migration of the module.`,
      options,
    );
  }
}
