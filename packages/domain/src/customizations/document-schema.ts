import { Ajv2020, type ErrorObject } from "ajv/dist/2020.js";
import { DomainError } from "../domain-error.ts";
import { type DocumentPath, keySegment } from "./document-path.ts";
import { isList, isMap, type JsonValue, propertyOf } from "./json-value.ts";
import { itemsByKey, type MergeShape, mergeShapeOf } from "./merge-shape.ts";

/** What is not valid in a document, and where. */
export interface Violation {
  readonly path: DocumentPath;
  readonly message: string;
}

/** A JSON Schema (2020-12), ready to be used. `format` is an annotation, as the standard has it by default. */
export interface DocumentSchema {
  readonly shape: MergeShape;
  /** At most 100 violations. */
  readonly validate: (value: JsonValue) => Violation[];
}

/** A module's JSON Schema can't be used. */
export class DocumentSchemaError extends DomainError {
  readonly code = "AIBOS_DOCUMENT_SCHEMA";
  constructor(detail: string, cause: unknown) {
    super(`The JSON Schema can't be used: ${detail}. Write one in the dialect 2020-12 that refers to itself only.`, {
      cause,
    });
  }
}

const MAX_VIOLATIONS = 100;

/** @throws DocumentSchemaError */
export function compileDocumentSchema(schema: JsonValue): DocumentSchema {
  if (!isMap(schema) && typeof schema !== "boolean") throw new DocumentSchemaError("it is no map", undefined);
  const shape = mergeShapeOf(schema);
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false, logger: false });
  try {
    const check = ajv.compile(schema);
    return {
      shape,
      validate: (value) => {
        if (check(value)) return [];
        return withoutRepeats((check.errors ?? []).map((error) => toViolation(error, value, shape)));
      },
    };
  } catch (error) {
    throw new DocumentSchemaError(error instanceof Error ? error.message : String(error), error);
  }
}

function toViolation(error: ErrorObject, value: JsonValue, shape: MergeShape): Violation {
  const pointer = error.instancePath.split("/").slice(1);
  const params: Readonly<Record<string, unknown>> = error.params;
  const property = params["missingProperty"] ?? params["additionalProperty"] ?? params["unevaluatedProperty"];
  const keys = pointer.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const path = pathOfKeys(typeof property === "string" ? [...keys, property] : keys, value, shape);
  const message = typeof params["additionalProperty"] === "string" ? "is not a known property" : error.message;
  const allowed = params["allowedValues"];
  return { path, message: `${message ?? "is not valid"}${Array.isArray(allowed) ? `: ${allowed.join(", ")}` : ""}` };
}

/** A place by keys and numbers of items, as a path. */
function pathOfKeys(keys: readonly string[], value: JsonValue, shape: MergeShape): DocumentPath {
  let found: JsonValue | undefined = value;
  let at = shape;
  return keys.map((key) => {
    if (!isList(found)) {
      found = isMap(found) ? propertyOf(found, key) : undefined;
      at = at.property(key);
      return keySegment(key);
    }
    const index = Number(key);
    const segment = [...(itemsByKey(found, at)?.keys() ?? [])][index] ?? key;
    found = found[index];
    at = at.item();
    return segment;
  });
}

/** One violation a place: parts of `anyOf` all complain of the same one. */
function withoutRepeats(violations: readonly Violation[]): Violation[] {
  const seen = new Map<string, Violation>();
  for (const violation of violations) {
    const key = violation.path.join("/");
    if (!seen.has(key)) seen.set(key, violation);
  }
  return [...seen.values()].slice(0, MAX_VIOLATIONS);
}
