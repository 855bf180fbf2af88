import { CommanderError } from "commander";
import { EXIT, type ExitCode, exitCodeOf } from "./exit-codes.ts";

/** A failure as the command shows it, whatever was thrown. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** What leads to the server's log. */
  readonly requestId: string | null;
  /** The failure's own fields, such as `problems` and `lostWrites`. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
  readonly exitCode: ExitCode;
}

/** What a thrown value means to whoever runs the command. */
export async function failureOf(thrown: unknown): Promise<Failure> {
  if (thrown instanceof CommanderError) return usageFailure(thrown);
  const { DomainError } = await import("@aibos/domain");
  const { RemoteError } = await import("@aibos/contract");
  const stack = thrown instanceof Error ? stackOf(thrown) : undefined;
  if (thrown instanceof RemoteError) {
    const { code, message, requestId, fields } = thrown;
    return { code, message, requestId, fields, hint: undefined, stack, exitCode: exitCodeOf(code) };
  }
  if (thrown instanceof DomainError) {
    const fields = Object.fromEntries(Object.entries(thrown).filter(([name]) => !NOT_FIELDS.has(name)));
    const { code, message } = thrown;
    return { code, message, requestId: null, fields, hint: undefined, stack, exitCode: exitCodeOf(code) };
  }
  return {
    code: "AIBOS_INTERNAL",
    requestId: null,
    fields: {},
    stack,
    exitCode: EXIT.failed,
    message:
      thrown instanceof Error && thrown.name === "ZodError"
        ? "The server's answer has a shape that this command does not know: the two may be of different releases."
        : `Something went wrong that should not: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    hint: stack === undefined ? undefined : "Run it again with --debug to see where.",
  };
}

/** The `--json` document of a failure. */
export function failureDocument({ code, message, requestId, fields }: Failure): unknown {
  return { error: { ...fields, code, message, ...(requestId === null ? {} : { requestId }) } };
}

const NOT_FIELDS = new Set(["name", "code", "message", "cause", "stack"]);

function usageFailure(error: CommanderError): Failure {
  return {
    code: "AIBOS_CONFIG_INVALID",
    requestId: null,
    fields: {},
    stack: undefined,
    exitCode: EXIT.usage,
    message: sentence(error.message.replace(/^error: /, "")),
    hint: undefined,
  };
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\nbecause of ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
