import { DomainError } from "@aibos/domain";

/** A custom field can't be declared so; nothing was changed. */
export class CustomFieldError extends DomainError {
  readonly code = "AIBOS_CUSTOM_FIELD";
  constructor(table: string, field: string, detail: string) {
    super(`Custom field "${field}" of table "${table}": ${detail}`);
  }
}
