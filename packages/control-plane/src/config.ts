import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigInvalidError } from "@aibos/contract";

/** What a control-plane process is told from outside. */
export interface ControlPlaneConfig {
  /** Where artifacts, module processes' state, the embedded PostgreSQL and the token are kept. */
  readonly dataFolder: string;
  /** Where backups are kept; undefined: in the data folder. */
  readonly backupFolder: string | undefined;
  /** The control database; undefined: the embedded one of the data folder. */
  readonly databaseUrl: string | undefined;
  readonly postgresPort: number | undefined;
  /** Address that the API listens on. */
  readonly host: string;
  readonly port: number;
  /** Bearer token; undefined: the one in the data folder, made when there is none. Allowed on loopback only. */
  readonly token: string | undefined;
  /** Requests in a second that one flag key may make. */
  readonly flagRequestsPerSecond: number;
  readonly logLevel: string;
  /** Stopping in order leaves the processes of module versions to the next start in the same data folder. */
  readonly keepProcesses: boolean;
  /** Seconds after which a version that no tenant uses any more is stopped; undefined: the platform's own. */
  readonly idleSeconds: number | undefined;
  /** Stop in order when standard input closes: the parent is gone. */
  readonly stopWithParent: boolean;
}

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/** The only reader of the environment. @throws ConfigInvalidError with every problem at once */
export function readConfig(environment: NodeJS.ProcessEnv): ControlPlaneConfig {
  const problems: string[] = [];
  const problem = (text: string): undefined => {
    problems.push(text);
    return undefined;
  };

  const portOf = (name: string, lowest: number): number | undefined => {
    const text = environment[name];
    if (text === undefined || text === "") return undefined;
    const port = Number(text);
    if (/^\d{1,5}$/.test(text) && port >= lowest && port <= 65_535) return port;
    return problem(`${name} must be a port from ${lowest} to 65535, not "${text}"`);
  };

  const numberOf = (name: string): number | undefined => {
    const text = environment[name];
    if (text === undefined || text === "") return undefined;
    if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
    return problem(`${name} must be a whole number from 1 to 999999999, not "${text}"`);
  };

  const databaseUrl = environment["DATABASE_URL"] || undefined;
  if (databaseUrl !== undefined && !/^postgres(ql)?:$/.test(URL.parse(databaseUrl)?.protocol ?? "")) {
    problem('DATABASE_URL must be a URL such as "postgresql://user:password@host:5432/database"');
  }
  const logLevel = environment["AIBOS_LOG_LEVEL"] || "info";
  if (!LOG_LEVELS.includes(logLevel)) problem(`AIBOS_LOG_LEVEL must be one of ${LOG_LEVELS.join(", ")}`);

  const keep = environment["AIBOS_KEEP_PROCESSES"] || "0";
  if (!["0", "1"].includes(keep)) problem("AIBOS_KEEP_PROCESSES must be 1, or 0 as it is otherwise");
  if (keep === "1" && databaseUrl === undefined) {
    problem("AIBOS_KEEP_PROCESSES needs DATABASE_URL: the embedded PostgreSQL ends with the control plane");
  }

  const host = environment["AIBOS_HOST"] || "127.0.0.1";
  const token = tokenOf(environment, problem);
  if (token === undefined && !isLoopback(host)) {
    problem(`AIBOS_TOKEN or AIBOS_TOKEN_FILE is needed to listen on ${host}, which others can reach`);
  }
  const config: ControlPlaneConfig = {
    dataFolder: resolve(environment["AIBOS_DATA_DIR"] || ".aibos"),
    backupFolder: environment["AIBOS_BACKUP_DIR"] ? resolve(environment["AIBOS_BACKUP_DIR"]) : undefined,
    databaseUrl,
    postgresPort: portOf("AIBOS_POSTGRES_PORT", 1),
    host,
    port: portOf("AIBOS_PORT", 0) ?? 7400,
    token,
    flagRequestsPerSecond: numberOf("AIBOS_FLAG_REQUESTS_PER_SECOND") ?? 50_000,
    logLevel,
    keepProcesses: keep === "1",
    idleSeconds: numberOf("AIBOS_IDLE_SECONDS"),
    stopWithParent: environment["AIBOS_STOP_WITH_PARENT"] === "1",
  };
  if (problems.length > 0) throw new ConfigInvalidError(`The control plane can't start: ${problems.join("; ")}.`);
  return config;
}

function tokenOf(environment: NodeJS.ProcessEnv, problem: (text: string) => undefined): string | undefined {
  const file = environment["AIBOS_TOKEN_FILE"] || undefined;
  let token = environment["AIBOS_TOKEN"] || undefined;
  if (token === undefined && file !== undefined) {
    try {
      token = readFileSync(file, "utf8").trim();
    } catch (error) {
      return problem(`AIBOS_TOKEN_FILE can't be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (token !== undefined && !/^[\x21-\x7e]{16,512}$/.test(token)) {
    return problem("the token must be 16 to 512 visible ASCII characters");
  }
  return token;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}
