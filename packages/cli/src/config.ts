/** What the environment says to the command. Options of the command line come before it. */
export interface CliEnvironment {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly dataFolder: string | undefined;
  /** True or false where NO_COLOR or FORCE_COLOR decides; otherwise a terminal has colours. */
  readonly colors: boolean | undefined;
  /** A terminal that can't move its cursor. */
  readonly dumbTerminal: boolean;
  /** `up` stops when its standard input closes: whoever started it is gone. */
  readonly stopWithParent: boolean;
  /** What programs that are started inherit. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
}

/** The only reader of the environment. A variable that is set to nothing counts as not set. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): CliEnvironment {
  return {
    url: environment["AIBOS_URL"] || undefined,
    token: environment["AIBOS_TOKEN"]?.trim() || undefined,
    tokenFile: environment["AIBOS_TOKEN_FILE"] || undefined,
    dataFolder: environment["AIBOS_DATA_DIR"] || undefined,
    colors: colorsOf(environment["NO_COLOR"], environment["FORCE_COLOR"]),
    dumbTerminal: environment["TERM"] === "dumb",
    stopWithParent: environment["AIBOS_STOP_WITH_PARENT"] === "1",
    inherited: environment,
  };
}

/** The environment of this process. */
export function processEnvironment(): CliEnvironment {
  return readEnvironment(process.env);
}

function colorsOf(noColor: string | undefined, forceColor: string | undefined): boolean | undefined {
  if (noColor) return false;
  if (forceColor === undefined) return undefined;
  return forceColor !== "0" && forceColor !== "false";
}
