import { ERROR_CODES, type ErrorCode, isErrorCode } from "@aibos/contract";
import { ERROR_STATUS } from "../error-status.ts";

// docs/reference/errors.md is written from the code, but for its last column: what to do is advice, which people write
// in the page itself.

const HEAD = `# Errors

Every failure has a stable code. Over HTTP it comes as \`application/problem+json\` (RFC 9457) with the code in \`code\`, what
was wrong and what to do in \`detail\`, and the failure's own fields beside them; in process it is a \`DomainError\` with the
same \`code\` and fields. Codes are never reused or renamed: match on them, never on messages.

Failures that are marked 500 and name a program on your machine are met by the command line or at the start of a server,
and not over HTTP.

| Code | HTTP | Meaning | What to do |
| --- | --- | --- | --- |
`;

export interface ErrorRow {
  readonly code: string;
  readonly status: number;
  readonly meaning: string;
  readonly advice: string;
}

/** What the code says, by code. The advice is still to come. */
export function errorRows(): ErrorRow[] {
  return Object.keys(ERROR_CODES)
    .filter((code): code is ErrorCode => isErrorCode(code))
    .sort()
    .map((code) => ({ code, status: ERROR_STATUS[code], meaning: ERROR_CODES[code], advice: "" }));
}

/** Reads the page's table. */
export function readErrorReference(page: string): ErrorRow[] {
  return [...page.matchAll(/^\| `(AIBOS_\w+)` *\| *(\d{3}) *\|(.*?)\|(.*?)\|$/gm)].map(
    ([, code = "", status = "", meaning = "", advice = ""]) => ({
      code,
      status: Number(status),
      meaning: meaning.trim(),
      advice: advice.trim(),
    }),
  );
}

/** Writes the page anew with the advice that it has. */
export function renderErrorReference(page: string): string {
  const advice = new Map(readErrorReference(page).map((row) => [row.code, row.advice]));
  const lines = errorRows().map(
    ({ code, status, meaning }) => `| \`${code}\` | ${status} | ${meaning} | ${advice.get(code) ?? ""} |\n`,
  );
  return HEAD + lines.join("");
}
