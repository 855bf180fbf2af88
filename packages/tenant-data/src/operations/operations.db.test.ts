import { createTestDatabase, type TestDatabase } from "@aibos/local-postgres/testing";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { type LiveWorld, openLiveWorld } from "../live/testing/live-world.ts";
import { OPERATION_KINDS } from "./operation.ts";
import { ALTER_COLUMN_CASES } from "./testing/alter-column-cases.ts";
import { COLUMN_CASES } from "./testing/column-cases.ts";
import { INDEX_CASES } from "./testing/index-cases.ts";
import type { EndedCase, FailedCase, OperationCase, RefusedCase } from "./testing/operation-case.ts";
import {
  tryCompletion,
  tryFailure,
  tryRefusal,
  tryRollbackAfterBackfill,
  tryRollbackAfterStart,
} from "./testing/operation-trial.ts";
import { NEW_CONSTRAINT_CASES } from "./testing/new-constraint-cases.ts";
import { OLD_CONSTRAINT_CASES } from "./testing/old-constraint-cases.ts";
import { REFUSED_ALTER_COLUMN_CASES } from "./testing/refused-alter-column-cases.ts";
import { SQL_CASES } from "./testing/sql-cases.ts";
import { TABLE_CASES } from "./testing/table-cases.ts";

const CASES: readonly OperationCase[] = [
  ...TABLE_CASES,
  ...COLUMN_CASES,
  ...ALTER_COLUMN_CASES,
  ...REFUSED_ALTER_COLUMN_CASES,
  ...INDEX_CASES,
  ...NEW_CONSTRAINT_CASES,
  ...OLD_CONSTRAINT_CASES,
  ...SQL_CASES,
];
const ended = CASES.filter((one): one is EndedCase => "afterStart" in one);
const refused = CASES.filter((one): one is RefusedCase => "expectedStartError" in one);
const failed = CASES.filter((one): one is FailedCase => "expectedBackfillError" in one);

let database: TestDatabase;
let schemas = 0;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

async function inSchema<Case>(attempt: (world: LiveWorld, tried: Case) => Promise<void>, tried: Case): Promise<void> {
  schemas += 1;
  await using world = await openLiveWorld(database, `t__acme__case_${schemas}`);
  await attempt(world, tried);
}

describe.each(ended)("$operation, $name", (tried) => {
  it("holds at each stage until the older version went", async () => {
    await expect(inSchema(tryCompletion, tried)).resolves.toBeUndefined();
  });
  it("is undone exactly before rows are filled", async () => {
    await expect(inSchema(tryRollbackAfterStart, tried)).resolves.toBeUndefined();
  });
  it("is undone exactly, writes kept, after both were live", async () => {
    await expect(inSchema(tryRollbackAfterBackfill, tried)).resolves.toBeUndefined();
  });
});

describe.each(refused)("$operation, $name", (tried) => {
  it(`is refused with nothing changed: ${tried.expectedStartError}`, async () => {
    await expect(inSchema(tryRefusal, tried)).resolves.toBeUndefined();
  });
});

describe.each(failed)("$operation, $name", (tried) => {
  it(`fails before the version is visible: ${tried.expectedBackfillError}`, async () => {
    await expect(inSchema(tryFailure, tried)).resolves.toBeUndefined();
  });
});

test("every operation has cases that end well and cases that are refused", () => {
  for (const cases of [ended, refused]) {
    expect([...new Set(cases.map(({ operation }) => operation))].toSorted()).toEqual(OPERATION_KINDS.toSorted());
  }
});

test("the owner of the schemas is an ordinary role", async () => {
  await using world = await openLiveWorld(database, "t__acme__role");
  const { rows } = await world.client.query<{ rolsuper: boolean; rolbypassrls: boolean }>(
    "select rolsuper, rolbypassrls from pg_roles where rolname = current_user",
  );
  expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false }]);
});
