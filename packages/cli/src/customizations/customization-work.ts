import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { ConfigInvalidError, type Customization, type CustomizationEntry } from "@aibos/contract";
import { unifiedDiff } from "@aibos/domain";
import type { CommandContext } from "../commands/command-context.ts";
import { type PageOptions, readPages } from "../commands/page-options.ts";
import type { CustomizationOptions } from "../commands/customizations.ts";
import { oneLine, plainText } from "../output/plain-text.ts";
import { renderTable } from "../output/table.ts";
import { timeText } from "../output/time-text.ts";
import { editText } from "./edit-text.ts";

export async function listThem(
  context: CommandContext,
  { tenant, module, version }: CustomizationOptions,
): Promise<void> {
  const { output, connect } = context;
  const items = await (await connect()).listCustomizations(tenant, module, version);
  await output.answer({ items }, () =>
    items.length === 0
      ? "There is nothing to customise."
      : renderTable(
          items,
          [
            { title: "name", cell: (row) => row.name },
            { title: "kind", cell: (row) => row.kind },
            { title: "version", cell: (row) => row.version },
            { title: "content", cell: (row) => (row.customized ? "the tenant's" : "default") },
            { title: "changed", cell: (row) => (row.changedAt === null ? null : timeText(row.changedAt)) },
            { title: "by", cell: (row) => row.author },
          ],
          output,
        ),
  );
}

export async function get(
  { output, connect }: CommandContext,
  options: CustomizationOptions,
  name: string,
): Promise<void> {
  const found = await (await connect()).getCustomization(options.tenant, options.module, name, options.version);
  await output.answer(found, () => plainText(found.content).replace(/\n$/, ""));
}

export async function set(
  context: CommandContext,
  options: CustomizationOptions,
  name: string,
  file: string,
): Promise<void> {
  await store(context, options, name, await readContent(file));
}

export async function reset(context: CommandContext, options: CustomizationOptions, name: string): Promise<void> {
  await store(context, options, name, null);
}

export async function edit(context: CommandContext, options: CustomizationOptions, name: string): Promise<void> {
  const found = await (await context.connect()).getCustomization(options.tenant, options.module, name, options.version);
  const content = await editText(context, found.content, `${name}.${found.format === "text" ? "txt" : found.format}`);
  if (content === found.content) {
    await context.output.answer(found, () => "Nothing was changed.");
    return;
  }
  await store(context, options, name, content);
}

export async function diff(
  { output, connect }: CommandContext,
  options: CustomizationOptions,
  name: string,
): Promise<void> {
  const found = await (await connect()).getCustomization(options.tenant, options.module, name, options.version);
  const names = { from: `default of ${found.version}`, to: `${options.tenant}'s` };
  const text = unifiedDiff(found.default, found.content, names);
  await output.answer({ name, version: found.version, diff: text }, () =>
    text === "" ? "It is the default." : coloured(text, output),
  );
}

export async function history(
  { output, connect }: CommandContext,
  { tenant, module }: CustomizationOptions,
  name: string,
  { diff: withDiff = false, ...wanted }: PageOptions & { diff?: boolean },
): Promise<void> {
  const client = await connect();
  const page = await readPages(wanted, (next) => client.listCustomizationHistory(tenant, module, name, next));
  const { items, nextCursor } = page;
  await output.answer(page, () => {
    if (items.length === 0) return "It was never changed.";
    const text = items.map((entry) => entryText(entry, withDiff, output)).join("\n");
    return nextCursor === null ? text : `${text}\n${oneLine(`There is more: add --cursor ${nextCursor}, or --all.`)}`;
  });
}

export async function reapply(
  { output, connect }: CommandContext,
  { tenant, module, author }: CustomizationOptions,
  name: string,
  entry: string | undefined,
): Promise<void> {
  const given = { ...(entry === undefined ? {} : { entry }), ...(author === undefined ? {} : { author }) };
  const made = await (await connect()).reapplyCustomization(tenant, module, name, given);
  await output.answer(made, () => entryText(made, true, output));
}

async function store(
  { output, connect }: CommandContext,
  { tenant, module, version, author }: CustomizationOptions,
  name: string,
  content: string | null,
): Promise<void> {
  const change = {
    content,
    ...(version === undefined ? {} : { version }),
    ...(author === undefined ? {} : { author }),
  };
  const stored = await (await connect()).setCustomization(tenant, module, name, change);
  await output.answer(stored, () => `${output.colors.green("✔")} ${storedText(stored, tenant)}`);
}

function storedText({ name, version, customized }: Customization, tenant: string): string {
  const what = customized ? "has its own" : "has the default";
  return oneLine(`${tenant} ${what} "${name}" of ${version}.`);
}

function entryText(entry: CustomizationEntry, withDiff: boolean, output: CommandContext["output"]): string {
  const { id, version, origin, author, at, report, aside } = entry;
  const head = `${output.colors.bold(id)}  ${timeText(at)}  ${oneLine(`${version}  ${origin} by ${author}`)}`;
  const kept = aside
    ? [`    kept aside; put it in place with: customization reapply ${entry.name} … --entry ${id}`]
    : [];
  const lines = report.map(({ path, outcome, detail }) =>
    oneLine(`${outcome} ${path === "" ? "the whole" : path}${detail === null ? "" : `: ${detail}`}`),
  );
  const changes = withDiff && entry.diff !== "" ? [coloured(entry.diff, output)] : [];
  return [head, ...kept, ...lines.map((line) => `    ${line}`), ...changes].join("\n");
}

/** A unified difference, as terminals show it. */
function coloured(text: string, { colors }: CommandContext["output"]): string {
  const colour = (line: string): string => {
    if (line.startsWith("+")) return colors.green(line);
    return line.startsWith("-") ? colors.red(line) : line;
  };
  return plainText(text).replace(/\n$/, "").split("\n").map(colour).join("\n");
}

/** The content of a file, or of standard input. @throws ConfigInvalidError */
export async function readContent(file: string): Promise<string> {
  try {
    return file === "-" ? await readAll(process.stdin) : await readFile(file, "utf8");
  } catch (error) {
    throw new ConfigInvalidError(
      `--file ${file} can't be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
