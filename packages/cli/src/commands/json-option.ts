import { readFile } from "node:fs/promises";

/** Reads JSON from the command line, or from the file that `@file` names. @throws ConfigInvalidError */
export async function readJsonOption(option: string, text: string): Promise<unknown> {
  const { ConfigInvalidError } = await import("@aibos/contract");
  const source = text.startsWith("@")
    ? await readFile(text.slice(1), "utf8").catch((error: unknown) => {
        throw new ConfigInvalidError(`${option}: ${error instanceof Error ? error.message : String(error)}`);
      })
    : text;
  try {
    return JSON.parse(source);
  } catch (error) {
    throw new ConfigInvalidError(`${option} must be JSON: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** The same for an object. @throws ConfigInvalidError */
export async function readJsonObject(option: string, text: string): Promise<Record<string, unknown>> {
  const value = await readJsonOption(option, text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  const { ConfigInvalidError } = await import("@aibos/contract");
  throw new ConfigInvalidError(`${option} must be a JSON object, such as '{"new_ui_enabled": true}'.`);
}
