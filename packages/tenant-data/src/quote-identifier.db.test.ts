import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { quoteIdentifier, quoteLiteral } from "./quote-identifier.ts";

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const SIGNS = ['"', "'", "\\", ";", "--", "/*", "*/", "$$", "$1", "%", " ", "\n", ".", "A", "a", "é", "🌍", "\u202E"];
const hostile = fc.string({ unit: fc.constantFrom(...SIGNS), minLength: 1, maxLength: 15 });

describe("quoteIdentifier", () => {
  it("names exactly what it was given, whatever that is", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (name) => {
        fc.pre(Buffer.byteLength(name) <= 63);
        const { fields } = await client.query(`select 1 as ${quoteIdentifier(name)}`);
        expect(fields.map((field) => field.name)).toEqual([name]);
      }),
      { numRuns: 300 },
    );
  });

  it("makes a table of a name that is an attack, and nothing else", async () => {
    const name = 'x" (n integer); drop schema public cascade; --';
    await client.query(`create schema mine; create table mine.${quoteIdentifier(name)} (n integer)`);
    const { rows } = await client.query("select tablename from pg_tables where schemaname = 'mine'");
    expect(rows).toEqual([{ tablename: name }]);
    expect((await client.query("select from pg_namespace where nspname = 'public'")).rowCount).toBe(1);
  });

  it.each([
    ["empty", ""],
    ["with a NUL", "a\0b"],
    ["of 64 bytes", "a".repeat(64)],
    ["of 64 bytes in fewer characters", "é".repeat(32)],
  ])("refuses a name that is %s", (_, name) => {
    expect(() => quoteIdentifier(name)).toThrow(RangeError);
    expect(() => quoteIdentifier(name)).toThrow("can't be an SQL name: it must have 1 to 63 bytes and no NUL.");
  });

  it("takes a name of 63 bytes", async () => {
    const name = `é${"a".repeat(61)}`;
    const { fields } = await client.query(`select 1 as ${quoteIdentifier(name)}`);
    expect(fields[0]?.name).toBe(name);
  });
});

describe("quoteLiteral", () => {
  it.each(["on", "off"])("is read back as it was, with standard_conforming_strings %s", async (setting) => {
    await client.query(`set standard_conforming_strings = ${setting}`);
    await fc.assert(
      fc.asyncProperty(fc.oneof(hostile, fc.constant("")), async (text) => {
        const { rows } = await client.query(`select ${quoteLiteral(text)} as text`);
        expect(rows).toEqual([{ text }]);
      }),
      { numRuns: 200 },
    );
  });

  it("refuses a NUL", () => {
    expect(() => quoteLiteral("a\0")).toThrow("A text with a NUL can't be written in SQL.");
  });
});
