import { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeDifference } from "../fingerprint/describe-difference.ts";
import { CONSTRAINT_CASES } from "../testing/copy-cases/constraint-cases.ts";
import { PROGRAM_CASES } from "../testing/copy-cases/program-cases.ts";
import { TABLE_CASES } from "../testing/copy-cases/table-cases.ts";
import { asRole } from "../with-settings.ts";
import { restoreBackup } from "./restore-backup.ts";
import { createTwoDatabases, fingerprintOf, type TwoDatabases } from "./testing/two-databases.ts";
import { writeBackup } from "./write-backup.ts";

const BACK = "back";
let two: TwoDatabases;

beforeAll(async () => {
  two = await createTwoDatabases();
  const { place, database } = two.tenant;
  await two.superuser.query(`grant create on schema public to ${place.role};
    grant create on database ${database.name} to ${place.role}`);
});
afterAll(() => two[Symbol.asyncDispose]());

/** Runs SQL as the tenant's role, in a schema, and commits. */
function asTenant(schema: string, sql: string): Promise<void> {
  const { client, place } = two.tenant;
  return two.tenant.inTransaction(() =>
    asRole(client, place.role, async () => {
      await client.query(`set local search_path to ${schema}, public`);
      await client.query(sql);
    }),
  );
}

const cases = [...TABLE_CASES, ...CONSTRAINT_CASES, ...PROGRAM_CASES].filter(
  ({ unsupported }) => unsupported === undefined,
);

describe("a backup with", () => {
  it.each(cases)("$name is the same when it is restored, and works", async ({ given, works, refuses, ownName }) => {
    const { client, place } = two.tenant;
    await client.query(`drop schema if exists ${BACK} cascade; drop schema if exists ${place.schema} cascade;
      create schema ${place.schema} authorization ${place.role}`);
    await asTenant(place.schema, given);
    const before = await fingerprintOf(client, place.schema);
    const chunks: Buffer[] = [];

    const sink = new Writable({ write: (chunk: Buffer, _encoding, done) => done(void chunks.push(chunk)) });
    await writeBackup(client, { schema: place.schema, metadata: null }, sink);
    const back = ownName === true ? place.schema : BACK;
    await client.query(`drop schema if exists ${back} cascade`);
    await restoreBackup(client, Readable.from(chunks), { schema: back, owner: place.role });
    const after = await fingerprintOf(client, back);
    expect(describeDifference(before, after)).toEqual([]);
    expect([after.structure, after.data]).toEqual([before.structure, before.data]);
    if (works !== undefined) await asTenant(back, works);
    const [wrong, message] = refuses ?? ["select no_such_column", /no_such_column/];
    await expect(asTenant(back, wrong)).rejects.toThrow(message);
  });
});
