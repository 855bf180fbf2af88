import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { CliEnvironment } from "./config.ts";
import { readServerFile } from "./up/server-file.ts";

/** Where a server listens when nothing says otherwise. */
const DEFAULT_URL = "http://127.0.0.1:7400";
const DEFAULT_DATA_FOLDER = ".aibos";

/** What the command line says about the server. */
export interface AddressOptions {
  readonly url?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly dataDir?: string | undefined;
}

export interface ServerAddress {
  readonly url: string;
  readonly token: string;
}

/** The data folder, absolute. */
export function dataFolderOf(options: AddressOptions, environment: CliEnvironment): string {
  return resolve(options.dataDir ?? environment.dataFolder ?? DEFAULT_DATA_FOLDER);
}

/**
 * Finds the server and the token for it: what was named, else what `up` left in the data folder, else the default.
 *
 * A data folder may have come from somebody else, with a checkout for example. So a token from the environment goes to
 * an address from a data folder only when that is on this machine.
 *
 * @throws ConfigInvalidError when the address is no URL, or no token is found
 */
export async function findServer(options: AddressOptions, environment: CliEnvironment): Promise<ServerAddress> {
  const { ConfigInvalidError } = await import("@aibos/contract");
  const folder = dataFolderOf(options, environment);
  const named = options.url ?? environment.url;
  const url = named ?? (await readServerFile(folder))?.url ?? DEFAULT_URL;
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username !== "" || parsed.search !== "") {
    throw new ConfigInvalidError(
      `${JSON.stringify(url)} is not the address of a server. Give --url (AIBOS_URL) as in ${DEFAULT_URL}; the token is given apart.`,
    );
  }

  const tokenFile = options.tokenFile ?? (environment.token === undefined ? environment.tokenFile : undefined);
  if (tokenFile !== undefined) {
    const token = await readToken(tokenFile);
    if (typeof token === "string" && token !== "") return { url, token };
    throw new ConfigInvalidError(
      `The token file ${tokenFile} ${typeof token === "string" ? "is empty" : `can't be read: ${token.message}`}. ` +
        `Name another with --token-file (AIBOS_TOKEN_FILE).`,
    );
  }
  const trusted = named !== undefined || isLoopback(parsed.hostname);
  if (environment.token !== undefined && trusted) return { url, token: environment.token };

  const ownFile = join(folder, "token");
  const token = await readToken(ownFile);
  if (typeof token === "string" && token !== "") return { url, token };
  throw new ConfigInvalidError(
    `There is no token for ${url}: ${ownFile} ${typeof token === "string" ? "is empty" : "can't be read"}. ` +
      `Start a server with "aibos-versions up", name its folder with --data-dir, or give the token by AIBOS_TOKEN or --token-file.`,
  );
}

/** Tells whether a host name, as a URL has it, is this machine. */
function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

async function readToken(file: string): Promise<string | Error> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
