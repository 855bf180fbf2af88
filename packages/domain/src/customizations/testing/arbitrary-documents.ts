import fc from "fast-check";
import type { JsonValue } from "../json-value.ts";
import { compileDocumentSchema } from "../document-schema.ts";

/** A schema with one of each: a keyed list of maps with a keyed list in them, a set, an atomic list, maps. */
export const MIXED_SCHEMA = compileDocumentSchema({
  type: "object",
  properties: {
    steps: { $ref: "#/$defs/steps" },
    tags: { type: "array", "x-aibos-merge": "set" },
    colours: { type: "array" },
    box: { type: "object", "x-aibos-merge": "atomic" },
  },
  $defs: {
    steps: {
      type: "array",
      "x-aibos-merge-key": "id",
      items: { type: "object", required: ["id"], properties: { inner: { $ref: "#/$defs/steps" } } },
    },
  },
});

const scalar = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom("a", "b", "", "é/~["),
  fc.boolean(),
  fc.constant(null),
);
const id = fc.constantFrom("one", "two", "three", "4", "a/b~c");

function steps(depth: number): fc.Arbitrary<JsonValue> {
  const item = fc.record(
    { id, title: scalar, ...(depth > 0 ? { inner: steps(depth - 1) } : {}) },
    { requiredKeys: ["id"] },
  );
  return fc.uniqueArray(item, { maxLength: 4, selector: (one) => one.id }) as fc.Arbitrary<JsonValue>;
}

const free = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 2 },
    scalar,
    fc.dictionary(fc.constantFrom("x", "y", "z", "[q"), tie("tree"), { maxKeys: 3 }) as fc.Arbitrary<JsonValue>,
    fc.array(tie("tree"), { maxLength: 2 }),
  ),
})).tree;

/** Documents that share enough names and values to agree, to differ and to clash. */
export const documents = fc.record(
  {
    steps: steps(1),
    tags: fc.uniqueArray(fc.constantFrom("red", "green", "blue", 1, true), { maxLength: 4 }),
    colours: fc.array(scalar, { maxLength: 3 }),
    box: fc.dictionary(fc.constantFrom("p", "q"), scalar, { maxKeys: 2 }),
    free,
    title: scalar,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<JsonValue>;
