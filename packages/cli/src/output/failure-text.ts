import type { Colors } from "./colors.ts";
import { oneLine, plainText } from "./plain-text.ts";
import type { Failure } from "../failure.ts";

/** A failure for people: what is wrong and what to do, its code, and the stack when it was asked for. */
export function failureText(failure: Failure, colors: Colors, options: { readonly debug: boolean }): string {
  const [first = "", ...rest] = plainText(failure.message).trimEnd().split("\n");
  const reference = [failure.code, ...(failure.requestId === null ? [] : [`request ${failure.requestId}`])].join(" · ");
  const lines = [
    `${colors.red("✖")} ${first}`,
    ...rest.map((line) => `  ${line}`),
    `  ${colors.dim(oneLine(reference))}`,
  ];
  if (failure.hint !== undefined) lines.push(`  ${oneLine(failure.hint)}`);
  if (options.debug && failure.stack !== undefined) lines.push("", colors.dim(plainText(failure.stack)));
  return lines.join("\n");
}
