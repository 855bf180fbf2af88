import { describe } from "vitest";
import pino from "pino";
import { createMultiVersionClient } from "@aibos/contract";
import { startControlPlane } from "./control-plane.ts";
import { describeServiceContract } from "./testing/service-contract/index.ts";

const TOKEN = "a-token-for-the-contract-test";

describe("the service over HTTP", () => {
  describeServiceContract(async ({ databaseUrl, dataFolder }) => {
    const controlPlane = await startControlPlane(
      {
        dataFolder,
        databaseUrl,
        backupFolder: undefined,
        postgresPort: undefined,
        host: "127.0.0.1",
        port: 0,
        token: TOKEN,
        logLevel: "silent",
        keepProcesses: false,
        idleSeconds: undefined,
        flagRequestsPerSecond: 50_000,
        stopWithParent: false,
      },
      { log: pino({ level: "silent" }), program: "0.0.0", lost: () => undefined },
    );
    return {
      service: createMultiVersionClient({ url: controlPlane.url, token: TOKEN }),
      stop: () => controlPlane.stop(),
    };
  });
});
