import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Decide } from "./conflict.ts";
import { type FieldsByTable, mergeFields, type TableChange } from "./merge-fields.ts";

const FIELDS: FieldsByTable = { people: { vat_id: { type: "text" }, score: { type: "integer" } } };
const BRINGS: TableChange = { change: "bring-column", table: "people", column: "vat_id", as: { type: "varchar(20)" } };
const undecided: Decide = () => undefined;

describe("a tenant's own columns", () => {
  it("stay as they are where the release brings nothing of their names", () => {
    const others: TableChange[] = [
      { change: "bring-column", table: "people", column: "age", as: {} },
      { change: "bring-column", table: "orders", column: "vat_id", as: {} },
    ];
    const merged = mergeFields(FIELDS, others, undecided);
    expect(merged).toMatchObject({ fields: FIELDS, conflicts: [] });
    expect(merged.report.map(({ outcome, path }) => [outcome, ...path])).toEqual([
      ["kept", "people", "vat_id"],
      ["kept", "people", "score"],
    ]);
  });

  it("conflict with a column of their name, and are told with both", () => {
    const { fields, conflicts, choices } = mergeFields(FIELDS, [BRINGS], undecided);
    expect(conflicts).toMatchObject([
      { kind: "custom-field", path: ["people", "vat_id"], ours: { type: "text" }, theirs: { type: "varchar(20)" } },
    ]);
    expect([fields, choices.size]).toEqual([FIELDS, 0]);
  });

  it.each<[string, Decide, FieldsByTable, object]>([
    ["adopted", () => ({ take: "vendor" }), { people: { score: { type: "integer" } } }, { adopt: true }],
    [
      "kept beside it",
      () => ({ take: "tenant" }),
      { people: { score: { type: "integer" }, own_vat_id: { type: "text" } } },
      { rename: "own_vat_id" },
    ],
    [
      "kept under a name that is given",
      () => ({ take: "value", value: "old_vat" }),
      { people: { score: { type: "integer" }, old_vat: { type: "text" } } },
      { rename: "old_vat" },
    ],
  ])("are %s", (_, decide, fields, choice) => {
    const merged = mergeFields(FIELDS, [BRINGS], decide);
    expect([merged.fields, merged.conflicts]).toEqual([fields, []]);
    expect([...merged.choices]).toEqual([["people.vat_id", choice]]);
  });

  it.each(["score", "vat_id", "aibos_x", "Name", 7])("don't get the name %s", (value) => {
    expect(mergeFields(FIELDS, [BRINGS], () => ({ take: "value", value })).conflicts).toHaveLength(1);
  });

  it("never get a name that another field, or the release, has", () => {
    const fields: FieldsByTable = { people: { vat_id: { type: "text" }, own_vat_id: { type: "text" } } };
    const earlier: TableChange = { change: "bring-column", table: "people", column: "own_vat_id_2", as: {} };
    const merged = mergeFields(fields, [earlier, BRINGS], () => ({ take: "tenant" }));
    expect(Object.keys(merged.fields["people"] ?? {})).toEqual(["own_vat_id", "own_vat_id_3"]);
  });

  it("follow their table to its new name, and meet columns there", () => {
    const renamed: TableChange = { change: "rename-table", from: "people", to: "persons" };
    const merged = mergeFields(FIELDS, [renamed, { ...BRINGS, table: "persons" }], () => ({ take: "vendor" }));
    expect(merged.fields).toEqual({ persons: { score: { type: "integer" } } });
    expect([...merged.choices.keys()]).toEqual(["persons.vat_id"]);
  });

  it("go with a table that is dropped only when somebody accepts that", () => {
    const drops: TableChange = { change: "drop-table", table: "people" };
    for (const take of [undefined, "tenant"] as const) {
      const { conflicts, fields } = mergeFields(FIELDS, [drops], () => (take === undefined ? undefined : { take }));
      expect([conflicts.map(({ kind }) => kind), fields]).toEqual([["removal"], FIELDS]);
    }
    expect(mergeFields(FIELDS, [drops], () => ({ take: "vendor" }))).toMatchObject({ fields: {}, conflicts: [] });
  });

  const names = fc.constantFrom("a", "b", "c");
  const tables = fc.constantFrom("t", "u");
  const changes = fc.array(
    fc.oneof(
      fc.record({ change: fc.constant("bring-column" as const), table: tables, column: names, as: fc.constant({}) }),
      fc.record({ change: fc.constant("drop-table" as const), table: tables }),
    ),
    { maxLength: 6 },
  );
  const owned = fc.dictionary(tables, fc.dictionary(names, fc.constant({ type: "text" }), { minKeys: 1 }));

  it("are never lost without a conflict or a line of the report", () => {
    const take = fc.constantFrom("tenant" as const, "vendor" as const, undefined);
    fc.assert(
      fc.property(owned, changes, take, (own, made, taken) => {
        const merged = mergeFields(own, made, () => (taken === undefined ? undefined : { take: taken }));
        const told = new Set(merged.report.map(({ path }) => path.join("/")));
        for (const [table, columns] of Object.entries(own)) {
          for (const name of Object.keys(columns)) {
            expect(told.has(`${table}/${name}`) || told.has(table)).toBe(true);
          }
        }
      }),
    );
  });

  it("stay as they are while nothing is decided", () => {
    fc.assert(
      fc.property(owned, changes, (own, made) => {
        expect(mergeFields(own, made, undecided).fields).toEqual({ ...own });
      }),
    );
  });
});
