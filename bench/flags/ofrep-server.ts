import { createServer } from "node:http";
import { once } from "node:events";
import { moduleManifestSchema } from "@aibos/contract";
import { parseVersion } from "@aibos/domain";
import { declareFlags } from "../../packages/control-plane/src/features/feature-flags/declare-flags.ts";
import { SHOP } from "../../packages/control-plane/src/features/feature-flags/testing/flag-world.ts";
import { startFlagServer } from "../../packages/control-plane/src/http/flags/testing/flag-server.ts";
import startPostgres from "../../packages/local-postgres/src/testing/global-setup.ts";
import { seedVersion } from "../../packages/control-plane/src/testing/test-catalog.ts";

// Two servers in one process each: `node ofrep-server.ts ours` serves flags on a real database; `node ofrep-server.ts stub`
// answers the bodies that it was given, and nothing else. Tells its address, and its processor time whenever asked.

const FLAGS = 50;

interface Started {
  readonly url: string;
  readonly key: string;
  stop(): Promise<void>;
}

async function startOurs(): Promise<Started> {
  const stopPostgres = await startPostgres();
  const server = await startFlagServer({ requestsPerSecond: 10_000_000 });
  const { database } = server.world.control;
  const version = parseVersion("5.0.0");
  await seedVersion(database, SHOP, version);
  const flags = Object.fromEntries(
    Array.from({ length: FLAGS }, (_, index) => [
      `flag_${index}`,
      { type: "boolean", default: false, rollout: { percent: 20 } },
    ]),
  );
  const manifest = { id: SHOP, version, title: "Shop", runtime: { command: ["true"] }, flags };
  await database.transaction((tx) => declareFlags(tx, moduleManifestSchema.parse(manifest)));
  const { key } = await server.tenant("5.0.0");
  async function stop(): Promise<void> {
    await server[Symbol.asyncDispose]();
    await stopPostgres?.();
  }
  return { url: server.url, key, stop };
}

/** A bare server: the body for a path, and no thought. */
async function startStub(bodies: Readonly<Record<string, string>>): Promise<Started> {
  const [one = "", all = ""] = Object.values(bodies);
  const server = createServer((request, response) => {
    const body = request.url === "/ofrep/v1/evaluate/flags" ? all : one;
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    response.end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    key: "none",
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const bodies = JSON.parse(process.argv[3] ?? "{}") as Record<string, string>;
const started = process.argv[2] === "stub" ? await startStub(bodies) : await startOurs();
process.send?.({ url: started.url, key: started.key });
process.on("message", (message) => {
  if (message === "stop") {
    void started.stop().then(() => process.exit(0));
    return;
  }
  const { user, system } = process.cpuUsage();
  process.send?.({ cpu: user + system });
});
