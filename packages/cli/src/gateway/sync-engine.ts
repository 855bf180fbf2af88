import { once } from "node:events";
import pino from "pino";
import { createEnvoyTarget, createHaproxyTarget, type EngineTarget, keepInStep } from "@aibos/engines";
import { type EngineSettings, envoyOptionsOf, gatewayApiOptionsOf, haproxyOptionsOf } from "./engine-settings.ts";

/** Keeps an engine in step until SIGINT or SIGTERM. @throws InvalidArgumentError, ConfigInvalidError */
export async function syncEngine(
  server: { url: string; token: string },
  settings: EngineSettings,
  say: (line: string) => void,
): Promise<void> {
  const target = await targetOf(settings);
  const id = settings.id ?? settings.target;
  const step = keepInStep({
    id,
    url: settings.publicUrl ?? "",
    controlUrl: server.url.replace(/\/+$/, ""),
    token: server.token,
    target,
    log: pino({ base: { part: id } }, pino.destination({ fd: 2, sync: true })),
  });
  say(`Keeping ${settings.target} in step with ${server.url}. Ctrl-C stops it; what it was given stays.`);
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  await step.stop();
}

async function targetOf(settings: EngineSettings): Promise<EngineTarget> {
  switch (settings.target) {
    case "haproxy":
      return createHaproxyTarget(haproxyOptionsOf(settings));
    case "envoy":
      return createEnvoyTarget(envoyOptionsOf(settings));
    case "gateway-api": {
      const { openKubernetes } = await import("@aibos/engines/kubernetes");
      return openKubernetes(settings.kubeconfig, gatewayApiOptionsOf(settings));
    }
  }
}
