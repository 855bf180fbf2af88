import { isMap, parseDocument } from "yaml";
import { createHash } from "node:crypto";
import type { z } from "zod";
import { MigrationFileError } from "../sql-migrations/migration-file-error.ts";
import { type Operation, OPERATION_KINDS, OPERATION_SCHEMAS, type OperationKind } from "./operation.ts";

/** A migration file of operations. */
export interface OperationFile {
  /** The file's name without its ending. */
  readonly name: string;
  /** What messages call it. */
  readonly file: string;
  /** SHA-256 of the content. */
  readonly checksum: string;
  readonly content: string;
  readonly operations: readonly Operation[];
}

/** As much as anybody writes; more is not meant for us. */
const LARGEST = 1_048_576;
/** Names that the format had, or that people write. */
const OTHER_NAMES = new Map<string, OperationKind>([["drop_multicolumn_constraint", "drop_multi_column_constraint"]]);

/**
 * Reads a migration file of operations, in JSON or YAML: `{ operations: [ { <operation>: {…} }, … ] }`, the format of
 * pgroll.
 *
 * @throws MigrationFileError naming line and operation
 */
export function parseOperations(file: string, content: string): OperationFile {
  if (Buffer.byteLength(content, "utf8") > LARGEST) throw new MigrationFileError(file, "it is larger than 1 MiB");
  const document = parseDocument(content, { uniqueKeys: true, merge: false });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const [detail = "it can't be read"] = problem.message.split("\n");
    throw new MigrationFileError(file, detail.replace(/:$/, ""), problem.linePos?.[0].line);
  }
  if (!isMap(document.contents)) throw new MigrationFileError(file, 'it must be an object with "operations"', 1);
  // No anchors: nothing in the format needs them, and they can blow up a small text.
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  const fields = fieldsOf(value);
  const unknown = Object.keys(fields).find((key) => !["name", "version_schema", "operations", "$schema"].includes(key));
  if (unknown !== undefined) throw new MigrationFileError(file, `"${unknown}" is not a field of a migration file`, 1);
  const { operations } = fields;
  if (!Array.isArray(operations)) throw new MigrationFileError(file, 'it has no list "operations"', 1);
  const lineOf = (index: number): number | undefined => {
    const node = document.getIn(["operations", index], true) as { range?: [number, number, number] } | undefined;
    return node?.range === undefined ? undefined : content.slice(0, node.range[0]).split("\n").length;
  };
  return {
    name: baseName(file).replace(/\.(json|ya?ml)$/i, ""),
    file,
    checksum: createHash("sha256").update(content, "utf8").digest("hex"),
    content,
    operations: operations.map((operation, index) => readOperation(file, operation, lineOf(index))),
  };
}

function readOperation(file: string, value: unknown, line: number | undefined): Operation {
  const entries = Object.entries(fieldsOf(value));
  const [entry] = entries;
  if (entry === undefined || entries.length > 1) {
    throw new MigrationFileError(file, "an operation is an object with one key, its name", line);
  }
  const [written, fields] = entry;
  const kind = OTHER_NAMES.get(written) ?? OPERATION_KINDS.find((known) => known === written);
  if (kind === undefined) {
    throw new MigrationFileError(
      file,
      `there is no operation "${written}"; there are ${OPERATION_KINDS.join(", ")}`,
      line,
    );
  }
  const schema: z.ZodType = OPERATION_SCHEMAS[kind];
  const parsed = schema.safeParse(fields);
  if (parsed.success) return { kind, with: parsed.data } as Operation;
  const [issue] = parsed.error.issues;
  const path = [kind, ...(issue?.path ?? [])].join(".");
  throw new MigrationFileError(file, `${path}: ${issue?.message ?? "it is not as it must be"}`, line);
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function baseName(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1);
}
