import { CustomizationInvalidError } from "@aibos/contract";
import {
  changeValues,
  type ConflictKind,
  formatPath,
  isFieldName,
  type JsonValue,
  parsePath,
  readDocumentText,
} from "@aibos/domain";
import { checkContent, type Customizable } from "./customizable.ts";

/**
 * Checks what somebody merged by hand: put into the new version's default, it must be valid where it is.
 *
 * @throws CustomizationInvalidError, DocumentRefusedError
 */
export function checkHandMerged(
  target: Customizable | undefined,
  { kind, path, value }: { kind: ConflictKind; path: string; value: JsonValue | undefined },
): void {
  const invalid = (message: string): CustomizationInvalidError =>
    new CustomizationInvalidError(target?.name ?? "it", [{ path, message }]);
  if (kind === "text" && typeof value !== "string") throw invalid("must be lines of text");
  if (kind === "order" && !isOrder(value))
    throw invalid("must be a list of the items' keys, as the conflict shows them");
  if (kind === "custom-field" && !(typeof value === "string" && isFieldName(value)))
    throw invalid("must be a name for the field that is kept");
  if (kind === "text" || kind === "order" || kind === "custom-field" || target === undefined) return;
  if (kind === "hook-payload") {
    checkContent(target, JSON.stringify(value ?? null));
    return;
  }
  if (target.schema === undefined || target.format === "text") return;
  const { shape, validate } = target.schema;
  const document = readDocumentText(target.content, target.format).value;
  const changed = changeValues(document, [{ path: parsePath(path) ?? [], value }], shape) ?? null;
  const violations = validate(changed)
    .map((one) => ({ path: formatPath(one.path), message: one.message }))
    .filter((one) => one.path === path || one.path.startsWith(`${path}/`));
  if (violations.length > 0) throw new CustomizationInvalidError(target.name, violations);
}

function isOrder(value: JsonValue | undefined): boolean {
  return Array.isArray(value) && value.every((key) => typeof key === "string");
}
