import { expect, test } from "vitest";
import { parseOperations } from "./parse-operations.ts";

test("the columns of an index are the same in every form that the format has known", () => {
  const forms = [
    "{ a: { sort: DESC }, b: {} }",
    "[{ a: { sort: DESC } }, b]",
    "[{ column: a, sort: DESC }, { column: b }]",
    "[{ name: a, sort: DESC }, { name: b }]",
  ];
  for (const columns of forms) {
    const { operations } = parseOperations(
      "1.yaml",
      `operations: [create_index: { table: t, name: i, columns: ${columns} }]`,
    );
    expect(operations[0]?.with).toMatchObject({
      columns: [
        { name: "a", options: { sort: "DESC" } },
        { name: "b", options: {} },
      ],
    });
  }
  const named = parseOperations(
    "1.yaml",
    "operations: [create_index: { table: t, name: i, columns: [{ name: { sort: ASC } }] }]",
  );
  expect(named.operations[0]?.with).toMatchObject({ columns: [{ name: "name", options: { sort: "ASC" } }] });
  expect(() => parseOperations("1.yaml", "operations: [create_index: { table: t, name: i, columns: [] }]")).toThrow(
    "must name at least one column",
  );
});
