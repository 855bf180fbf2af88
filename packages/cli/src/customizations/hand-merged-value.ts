import type { CustomizationConflict } from "@aibos/contract";
import { readDocumentText } from "@aibos/domain";

/** What a file says for a conflict: lines for a text, else JSON or YAML. @throws DocumentRefusedError */
export function handMergedValue({ kind }: Pick<CustomizationConflict, "kind">, text: string): unknown {
  return kind === "text" ? text : readDocumentText(text, "yaml").value;
}
