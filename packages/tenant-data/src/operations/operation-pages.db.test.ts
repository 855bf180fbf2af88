import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fingerprintSchema } from "../fingerprint/fingerprint-schema.ts";
import { createLiveWorld, type LiveWorld } from "../live/testing/live-world.ts";
import { OPERATION_KINDS } from "./operation.ts";
import { parseOperations } from "./parse-operations.ts";

const folder = new URL("../../../../docs/reference/operations/", import.meta.url);
const files = (await readdir(folder)).filter((name) => name !== "README.md");

interface Block {
  readonly kind: string;
  readonly text: string;
}

let world: LiveWorld;
/** Of the schema, before the release and when the page has come to its end. */
let structures: string[] = [];
beforeEach(async () => {
  world = await createLiveWorld();
});
afterEach(() => world[Symbol.asyncDispose]());

async function blocksOf(file: string): Promise<Block[]> {
  const text = await readFile(new URL(file, folder), "utf8");
  return [...text.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)].map(([, kind = "", body = ""]) => ({
    kind,
    text: body.trim(),
  }));
}

/** What came out of a block's statement, and what the block after it says. */
interface Outcome {
  readonly sql: string;
  readonly expected: string | undefined;
  readonly found: string;
}

async function run(version: string | null, { text }: Block, next: Block | undefined): Promise<Outcome> {
  const isError = next?.kind === "text error";
  const expected = isError ? next.text.replace(/^ERROR /, "") : next?.kind === "text result" ? next.text : undefined;
  const found = await world.as(version, text).then(
    (rows) =>
      rows
        .map((row) => Object.values(row).map(asText).join(" | "))
        .join("\n")
        .trim(),
    (error: unknown) => String(error),
  );
  // Of an error the page shows the part that matters.
  if (isError) return { sql: text, expected, found: found.includes(expected ?? "") ? (expected ?? "") : found };
  return { sql: text, expected: expected ?? (found.startsWith("error") ? "no error" : found), found };
}

function asText(value: unknown): string {
  if (value instanceof Date) {
    const day = [value.getFullYear(), value.getMonth() + 1, value.getDate()];
    return day.map((part) => String(part).padStart(2, "0")).join("-");
  }
  return String(value);
}

/** Goes through a page to one of its ends. */
async function follow(file: string, end: "completed" | "rolled-back"): Promise<Outcome[]> {
  const blocks = await blocksOf(file);
  const operations = blocks.find(({ kind }) => kind === "yaml operations");
  const given = blocks.find(({ kind }) => kind === "sql given");
  await world.given(given?.text ?? "");
  structures = [(await fingerprintSchema(world.client, world.schema)).structure];
  const content = `operations:\n${operations?.text ?? ""}`;
  await world.bring("1.0.0", { version: "2.0.0", files: [parseOperations(file, content)] });
  const outcomes: Outcome[] = [];
  for (const [index, block] of blocks.entries()) {
    const [, version] = /^sql as (.+)$/.exec(block.kind) ?? [];
    if (version !== undefined) outcomes.push(await run(version, block, blocks[index + 1]));
  }
  if (end === "completed") await world.live.complete("2.0.0");
  else await world.live.rollback("2.0.0");
  structures.push((await fingerprintSchema(world.client, world.schema)).structure);
  for (const [index, block] of blocks.entries()) {
    if (block.kind === `sql ${end}`) outcomes.push(await run(null, block, blocks[index + 1]));
  }
  return outcomes;
}

test("every operation has a page", () => {
  expect(files.map((name) => name.replace(/\.md$/, "")).toSorted()).toEqual(OPERATION_KINDS.toSorted());
});

describe.each(files)("the example of %s", (file) => {
  test("holds while both versions are live, and after the older one went", async () => {
    const outcomes = await follow(file, "completed");
    expect(outcomes.map(({ sql, found }) => [sql, found])).toEqual(
      outcomes.map(({ sql, expected }) => [sql, expected]),
    );
    expect(await world.leftOver()).toEqual([]);
  });

  test("holds after the newer one was rolled back, with the structure as it was", async () => {
    const outcomes = await follow(file, "rolled-back");
    expect(outcomes.map(({ sql, found }) => [sql, found])).toEqual(
      outcomes.map(({ sql, expected }) => [sql, expected]),
    );
    expect(await world.leftOver()).toEqual([]);
    expect(structures[1]).toBe(structures[0]);
  });
});

test("the program that uses the engine as a library prints what the page says", async () => {
  const blocks = await blocksOf("README.md");
  const text = (kind: string): string => blocks.find((block) => block.kind === kind)?.text ?? "";
  await world.client.query(`create schema shop; set search_path = shop; ${text("sql given")}`);
  const home = await mkdtemp(join(tmpdir(), "aibos-library-"));
  try {
    await symlink(fileURLToPath(new URL("../../../../node_modules", import.meta.url)), join(home, "node_modules"));
    await writeFile(join(home, "package.json"), '{ "type": "module" }');
    await writeFile(join(home, "002_search_name.yaml"), text("yaml"));
    await writeFile(join(home, "program.ts"), text("ts"));
    const { stdout } = await promisify(execFile)(process.execPath, ["program.ts"], {
      cwd: home,
      env: { ...process.env, DATABASE_URL: world.url },
    });
    expect(stdout.trim()).toBe(text("text output"));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  const { rows } = await world.client.query("select name, search_name from shop.customers order by id");
  expect(rows).toEqual([
    { name: "Ann Ek", search_name: "ann ek" },
    { name: "Bo Ek", search_name: "bo" },
  ]);
});
