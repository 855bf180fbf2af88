import { DomainError } from "@aibos/domain";

/** The manifest's `build` command failed. */
export class BuildFailedError extends DomainError {
  readonly code = "AIBOS_BUILD_FAILED";

  /** @param lines the last ones that it wrote */
  constructor(command: string, how: string, lines: readonly string[]) {
    const said = lines.length === 0 ? " It said nothing." : ` It said:\n${lines.map((line) => `  ${line}`).join("\n")}`;
    super(`The build command (${command}) ${how}; nothing was published.${said}`);
  }
}
