import { access } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pino from "pino";
import { createHaproxyTarget, HAPROXY_DEFAULTS, haproxyFiles, keepInStep } from "@aibos/engines";
import { findProgram } from "../debian-package.ts";
import { freePort, HOST, type StartProxy, startProgram } from "./proxy.ts";
import { startFeed } from "./route-feed.ts";

/** HAProxy with the configuration and maps that we write, kept in step with the same routes as the gateway. */
export const startDrivenHaproxy: StartProxy = async ({ upstreamPort, folder, launcher }) => {
  const haproxy = findProgram("haproxy");
  if (haproxy === undefined) return null;
  const control = await startFeed(upstreamPort);
  const port = await freePort();
  const options = {
    ...HAPROXY_DEFAULTS,
    bind: `${HOST}:${port}`,
    folder,
    socket: join(folder, "s"),
    // Nobody is there: these routes have nothing that HAProxy can't do by itself.
    gateways: [`${HOST}:9`],
  };
  const step = keepInStep({
    id: "haproxy",
    url: `http://${HOST}:${port}`,
    controlUrl: control.url,
    token: "none",
    target: createHaproxyTarget(options),
    log: pino({ level: "silent" }),
  });
  const { config } = haproxyFiles(folder);
  while (!(await isThere(config))) await sleep(20);
  const program = await startProgram([haproxy, "-db", "-f", config], { port, launcher });
  await control.followed;
  return {
    name: "HAProxy, driven",
    about: "with our configuration and maps",
    host: HOST,
    port,
    tlsPort: undefined,
    prefix: "/t/acme/notes",
    pid: program.child.pid ?? 0,
    async stop() {
      await program.stop();
      await step.stop();
      await control.stop();
    },
  };
};

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
