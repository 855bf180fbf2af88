import type { Command } from "commander";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
import { parsePort } from "./option-values.ts";

interface UpCommandOptions {
  readonly host?: string;
  readonly port?: number;
  readonly gatewayHost?: string;
  readonly gatewayPort?: number;
  readonly postgresPort?: number;
  readonly identify?: string;
  readonly baseHost?: string;
  readonly verbose?: boolean;
}

/** `up`: a whole platform on this machine, in the foreground. */
export function addUpCommand(program: Command, run: Run): void {
  withExample(
    program
      .command("up")
      .description(
        "Runs a platform in the foreground: PostgreSQL (or the one of DATABASE_URL), control plane, gateway. Ctrl-C stops it.",
      )
      .option("--host <address>", "where the API listens (default: 127.0.0.1)")
      .option("--port <port>", "port of the API (default: 7400)", parsePort)
      .option("--gateway-host <address>", "where the gateway listens (default: 127.0.0.1)")
      .option("--gateway-port <port>", "port of the gateway (default: 7480)", parsePort)
      .option("--postgres-port <port>", "port of the embedded PostgreSQL (default: a free one, kept)", parsePort)
      .option("--identify <ways>", "how the gateway finds tenant and module: path, host, header (default: path)")
      .option("--base-host <name>", "with host: acme.<name> is tenant acme")
      .option("--verbose", "shows the programs' logs too"),
    "up",
    "up --data-dir /var/lib/aibos --port 8400 --gateway-port 8480",
  ).action((options: UpCommandOptions, command: Command) =>
    run(command, async ({ environment, options: common, output, endWith }) => {
      const [{ dataFolderOf }, { runUp }, { RESTART_DELAYS }, { platformPrograms }] = await Promise.all([
        import("../server-address.ts"),
        import("../up/run-up.ts"),
        import("../up/supervised-program.ts"),
        import("../up/program-files.ts"),
      ]);
      const { host, port, gatewayHost, gatewayPort, postgresPort, identify, baseHost, verbose = false } = options;
      const code = await runUp(
        {
          host,
          port,
          gatewayHost,
          gatewayPort,
          postgresPort,
          identify,
          baseHost,
          verbose,
          programs: platformPrograms(),
          dataFolder: dataFolderOf(common, environment),
          tokenFile: common.tokenFile ?? environment.tokenFile,
          inherited: environment.inherited,
          delays: RESTART_DELAYS,
          stopWithParent: environment.stopWithParent,
        },
        output,
      );
      endWith(code);
    }),
  );
}
