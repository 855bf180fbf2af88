import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLiveWorld, type LiveWorld, release } from "../live/testing/live-world.ts";
import { declareCustomField, dropCustomField, listCustomFields } from "./custom-fields.ts";

let world: LiveWorld;
beforeEach(async () => {
  world = await createLiveWorld();
  await world.given("create table people (id integer primary key, name text); insert into people values (1, 'Ann')");
});
afterEach(() => world[Symbol.asyncDispose]());

const RENAMES = [
  { rename_table: { from: "people", to: "persons" } },
  { alter_column: { table: "persons", column: "name", type: "varchar(50)", up: "name", down: "name" } },
];

describe("a custom field", () => {
  it("is in every version's views, declared before or while several are live, and survives them", async () => {
    await declareCustomField(world.client, world.schema, { table: "people", name: "vat_id", type: "text" });
    await world.as(null, "update people set vat_id = 'X1'");
    await world.bring("1", release("2", RENAMES));
    await declareCustomField(world.client, world.schema, { table: "persons", name: "score", type: "integer" });
    await world.as("2", "insert into persons values (2, 'Bob', 'X2', 5)");
    expect(await world.as("1", "select * from people order by id")).toEqual([
      { id: 1, name: "Ann", vat_id: "X1", score: null },
      { id: 2, name: "Bob", vat_id: "X2", score: 5 },
    ]);
    await world.live.complete("2");
    expect(await listCustomFields(world.client, world.schema)).toEqual([
      { table: "persons", name: "score", type: "integer" },
      { table: "persons", name: "vat_id", type: "text" },
    ]);
    expect(await world.as(null, "select vat_id, score from persons where id = 2")).toEqual([
      { vat_id: "X2", score: 5 },
    ]);
  });

  it("is gone from every version when it is dropped", async () => {
    await declareCustomField(world.client, world.schema, { table: "people", name: "vat_id", type: "text" });
    await world.bring("1", release("2", RENAMES));
    await dropCustomField(world.client, world.schema, { table: "persons", name: "vat_id" });
    await dropCustomField(world.client, world.schema, { table: "persons", name: "vat_id" });
    expect(await world.as("1", "select * from people")).toEqual([{ id: 1, name: "Ann" }]);
    await world.live.rollback("2");
    expect(await world.as(null, "select * from people")).toEqual([{ id: 1, name: "Ann" }]);
  });

  it.each([
    ["Vat", "text", "a name has"],
    ["x; drop table people", "text", "a name has"],
    ["aibos_x", "text", "a name has"],
    ["name", "text", "the module has a column of this name"],
    ["x", "text; drop table people", "there is no type"],
  ])("%s of type %s is refused", async (name, type, message) => {
    const field = { table: "people", name, type: type as "text" };
    await expect(declareCustomField(world.client, world.schema, field)).rejects.toThrow(message);
  });

  describe("whose name a release gives to a column that is there", () => {
    const RENAMES = [{ rename_column: { table: "people", from: "name", to: "label" } }];
    beforeEach(async () => {
      await world.given("insert into people values (2, null)");
      await declareCustomField(world.client, world.schema, { table: "people", name: "label", type: "text" });
      await world.as(null, "update people set label = 'own'");
    });

    it("is a conflict of which validate tells the two ways out", async () => {
      const { findings } = await world.live.validate("1", release("2", RENAMES));
      expect(findings.filter(({ severity }) => severity === "error")).toEqual([
        expect.objectContaining({
          code: "custom-field-conflict",
          table: "people",
          column: "label",
          choices: [{ adopt: true }, { rename: "own_label" }],
        }),
      ]);
      await expect(world.live.start("1", release("2", RENAMES))).rejects.toThrow("the tenant has a custom field");
    });

    it("is adopted where the column holds nothing", async () => {
      const customFields = new Map([["people.label", { adopt: true as const }]]);
      await world.bring("1", { ...release("2", RENAMES), customFields });
      expect(await world.as("2", "select label from people order by label")).toEqual([
        { label: "Ann" },
        { label: "own" },
      ]);
      await world.live.complete("2");
      expect(await world.as(null, "select label from people order by label")).toEqual([
        { label: "Ann" },
        { label: "own" },
      ]);
      expect(await listCustomFields(world.client, world.schema)).toEqual([]);
    });

    it("is kept under another name", async () => {
      const customFields = new Map([["people.label", { rename: "own_label" }]]);
      await world.bring("1", { ...release("2", RENAMES), customFields });
      expect(await world.as("2", "select label, own_label from people order by label")).toEqual([
        { label: "Ann", own_label: "own" },
        { label: null, own_label: "own" },
      ]);
      await world.live.complete("2");
      expect(await listCustomFields(world.client, world.schema)).toEqual([
        { table: "people", name: "own_label", type: "text" },
      ]);
    });
  });

  describe("whose name a release brings", () => {
    const BRINGS = [{ add_column: { table: "people", column: { name: "age", type: "integer", nullable: true } } }];
    beforeEach(async () => {
      await declareCustomField(world.client, world.schema, { table: "people", name: "age", type: "text" });
      await world.as(null, "update people set age = '41'");
    });

    it("is a conflict that is told", async () => {
      await expect(world.live.start("1", release("2", BRINGS))).rejects.toThrow(
        "the tenant has a custom field of that name",
      );
    });

    it("is adopted with its values", async () => {
      await world.bring("1", { ...release("2", BRINGS), customFields: new Map([["people.age", { adopt: true }]]) });
      await world.as("2", "update people set age = age + 1");
      expect(await world.as("1", "select age from people")).toEqual([{ age: "42" }]);
      await world.live.complete("2");
      expect(await world.as(null, "select age from people")).toEqual([{ age: 42 }]);
      expect(await listCustomFields(world.client, world.schema)).toEqual([]);
    });

    it("is kept under another name", async () => {
      const customFields = new Map([["people.age", { rename: "own_age" }]]);
      await world.bring("1", { ...release("2", BRINGS), customFields });
      await world.as("2", "update people set age = 7");
      expect(await world.as("1", "select age from people")).toEqual([{ age: "41" }]);
      await world.live.complete("2");
      expect(await world.as(null, "select age, own_age from people")).toEqual([{ age: 7, own_age: "41" }]);
      expect(await listCustomFields(world.client, world.schema)).toEqual([
        { table: "people", name: "own_age", type: "text" },
      ]);
    });
  });
});
