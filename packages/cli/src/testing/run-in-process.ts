import { readEnvironment } from "../config.ts";
import type { ExitCode } from "../exit-codes.ts";
import { runCli } from "../run-cli.ts";
import { FAKE_TOKEN } from "./fake-api.ts";

export interface Ran {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process against a server, and gives what it wrote. */
export async function runInProcess(
  url: string,
  words: readonly string[],
  options: { readonly environment?: Record<string, string>; readonly columns?: number } = {},
): Promise<Ran> {
  let out = "";
  let err = "";
  const terminal = options.columns === undefined ? {} : { isTTY: true, columns: options.columns };
  const environment = readEnvironment({
    AIBOS_URL: url,
    AIBOS_TOKEN: FAKE_TOKEN,
    NO_COLOR: "1",
    ...options.environment,
  });
  const code = await runCli(words, environment, {
    out: { write: (text) => (out += text), ...terminal },
    err: { write: (text) => (err += text) },
  });
  return { code, out, err };
}
