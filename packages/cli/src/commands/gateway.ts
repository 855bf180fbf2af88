import { type Command, InvalidArgumentError, Option } from "commander";
import { EXIT } from "../exit-codes.ts";
import { withExample } from "./help-example.ts";
import type { Run } from "./command-context.ts";
import { collect, parseCount } from "./option-values.ts";
import type { EngineSettings } from "../gateway/engine-settings.ts";

const TARGETS = ["haproxy", "gateway-api", "envoy"] as const satisfies EngineSettings["target"][];

/** `gateway export` and `gateway sync`: the routes for other proxies than our gateway. */
export function addGatewayCommands(program: Command, run: Run): void {
  const gateway = program
    .command("gateway")
    .summary("routes for other proxies: export, sync")
    .description("Routes for other proxies than the gateway.");

  withExample(
    engineOptions(
      gateway
        .command("export")
        .description("Writes the routes as they are now for HAProxy, Kubernetes (Gateway API) or Envoy."),
    ),
    "gateway export --target haproxy --out /etc/haproxy/aibos --gateway 127.0.0.1:7480",
    "gateway export --target gateway-api --out manifests --parent infra/public --gateway-service aibos-gateway:7480",
    "gateway export --target envoy --out /etc/envoy/aibos --gateway 127.0.0.1:7480",
  ).action((settings: EngineSettings, command: Command) =>
    run(command, async ({ options, environment, output }) => {
      const [{ findServer }, { exportRoutes }] = await Promise.all([
        import("../server-address.ts"),
        import("../gateway/export-routes.ts"),
      ]);
      const exported = await exportRoutes(await findServer(options, environment), settings);
      await output.answer(exported, () =>
        [
          `${output.colors.green("✔")} ${exported.routes} routes at revision ${exported.revision}`,
          ...exported.files.map((file) => `  ${file}`),
        ].join("\n"),
      );
    }),
  );

  withExample(
    engineOptions(
      gateway
        .command("sync")
        .description("Keeps HAProxy, Kubernetes or Envoy in step with the routes until it is stopped."),
    )
      .option("--id <name>", "names the engine among the gateways; the target's name unless told")
      .option("--public-url <url>", "where users reach the engine, for people")
      .option("--kubeconfig <file>", "gateway-api: the cluster; the usual places unless told"),
    "gateway sync --target haproxy --out /etc/haproxy/aibos --gateway 127.0.0.1:7480 --id haproxy-1",
    "gateway sync --target gateway-api --parent infra/public --gateway-service aibos-gateway:7480",
  ).action((settings: EngineSettings, command: Command) =>
    run(command, async ({ options, environment, output, endWith }) => {
      const [{ findServer }, { syncEngine }] = await Promise.all([
        import("../server-address.ts"),
        import("../gateway/sync-engine.ts"),
      ]);
      await syncEngine(await findServer(options, environment), settings, (line) => output.aside(line));
      endWith(EXIT.ok);
    }),
  );
}

function engineOptions(command: Command): Command {
  return command
    .addOption(new Option("--target <engine>", "what the routes are for").choices(TARGETS).makeOptionMandatory())
    .option("--out <folder>", "where the files go; needed but by gateway sync for gateway-api")
    .option(
      "--gateway <host:port>",
      "a gateway, for what the engine can't do; may be given more than once",
      collectHosts,
    )
    .option("--sticky-header <name>", "the header that names a user", "x-user-id")
    .option("--bind <address>", "haproxy: where users' requests come in", "127.0.0.1:8480")
    .option("--socket <path>", "haproxy: its runtime API; admin.sock in the folder unless told")
    .option("--max-versions <count>", "haproxy: module versions that there is room for", parseCount, 200)
    .option("--namespace <name>", "gateway-api: of the manifests", "default")
    .option("--parent <gateway>", "gateway-api: the Gateway, as name or namespace/name")
    .option("--gateway-service <name:port>", "gateway-api: the Service of our gateways, for what a Gateway can't do")
    .option("--context-minutes <minutes>", "gateway-api, envoy: how long signed contexts are good", parseCount, 60);
}

function collectHosts(value: string, before?: readonly string[]): readonly string[] {
  if (!/^[A-Za-z0-9.-]+:\d{1,5}$/.test(value)) {
    throw new InvalidArgumentError("It must be a host and a port, such as 127.0.0.1:7480.");
  }
  return collect(value, before);
}
