import { DomainError } from "@aibos/domain";

/** A release brings a column that a tenant has as a field of its own; a person has to choose. */
export class CustomFieldConflictError extends DomainError {
  readonly code = "AIBOS_CUSTOM_FIELD_CONFLICT";
  readonly table: string;
  readonly field: string;
  constructor(where: string, table: string, field: string) {
    super(
      `${where}: table "${table}" gets a column "${field}", and the tenant has a custom field of that name. Adopt the ` +
        "field (the new column takes its values over), or keep both by giving the field another name.",
    );
    this.table = table;
    this.field = field;
  }
}
