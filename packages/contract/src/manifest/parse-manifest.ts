import type { z } from "zod";
import { readManifestDocument } from "./manifest-document.ts";
import { ManifestInvalidError, type ManifestProblem } from "./manifest-invalid-error.ts";
import { fieldNamesAt } from "./manifest-reference.ts";
import { brokenManifestRules } from "./manifest-rules.ts";
import { MANIFEST_FILE, type ModuleManifest, moduleManifestSchema } from "./module-manifest.ts";
import { nearestName } from "./nearest-name.ts";

type Path = readonly (string | number)[];

/**
 * Reads the text of an `aibos.module.yaml`. `file` is what the messages call it.
 *
 * @throws ManifestInvalidError with every problem and its place
 */
export function parseModuleManifest(text: string, file: string = MANIFEST_FILE): ModuleManifest {
  const document = readManifestDocument(text, file);
  const parsed = moduleManifestSchema.safeParse(document.value);
  const problems = parsed.success
    ? brokenManifestRules(parsed.data).map(({ path, message }) => document.problemAt(path, message))
    : parsed.error.issues.flatMap((issue) => problemsOf(issue, document));
  if (problems.length > 0) {
    problems.sort((a, b) => a.line - b.line || a.column - b.column);
    throw new ManifestInvalidError(file, problems);
  }
  return moduleManifestSchema.parse(document.value);
}

function problemsOf(issue: z.core.$ZodIssue, document: ReturnType<typeof readManifestDocument>): ManifestProblem[] {
  const path = issue.path.map((segment) => (typeof segment === "number" ? segment : String(segment)));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => document.problemAt([...path, key], unknownField(path, key), "name"));
  }
  if (issue.code === "invalid_key") {
    const reason = issue.issues[0]?.message ?? issue.message;
    return [document.problemAt(path, `is not a name that can be used here: ${plain(reason)}`, "name")];
  }
  const value = valueAt(document.value, path);
  if (value === undefined) return [document.problemAt(path, "is missing")];
  if (value === null) return [document.problemAt(path, "is empty: give it a value, or remove the line", "name")];
  return [document.problemAt(path, plain(issue.message))];
}

function unknownField(path: Path, key: string): string {
  const names = fieldNamesAt(path);
  const nearest = nearestName(key, names);
  if (nearest !== undefined) return `unknown field; did you mean "${nearest}"?`;
  return `unknown field; known here: ${names.join(", ")}`;
}

function plain(message: string): string {
  return message
    .replace(/^Invalid input: |^Invalid string: |^Invalid option: /, "")
    .replace(/^Invalid /, "not a valid ");
}

function valueAt(value: unknown, path: Path): unknown {
  let current = value;
  for (const segment of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = Object.getOwnPropertyDescriptor(current, segment)?.value;
  }
  return current;
}
