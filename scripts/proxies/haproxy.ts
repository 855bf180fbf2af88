import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeCertificate } from "./certificate.ts";
import { freePort, HOST, type StartProxy, startProgram } from "./proxy.ts";

/** HAProxy with one thread, as it is without further settings. */
export const startHaproxy: StartProxy = async ({ upstreamPort, folder, launcher, answerTimeout }) => {
  const said = spawnSync("haproxy", ["-v"], { encoding: "utf8" }).stdout ?? "";
  const version = /version ([\d.]+)/.exec(said)?.[1];
  if (version === undefined) return null;
  const { both } = await writeCertificate(folder);
  const [port, tlsPort] = [await freePort(), await freePort()];
  const configuration = join(folder, "haproxy.cfg");
  await writeFile(
    configuration,
    `global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server ${answerTimeout}ms
  timeout tunnel 60s
  option forwardfor
frontend in
  bind ${HOST}:${port}
  bind ${HOST}:${tlsPort} ssl crt ${both} alpn h2,http/1.1
  default_backend module
backend module
  http-reuse safe
  server one ${HOST}:${upstreamPort}
`,
  );
  const program = await startProgram(["haproxy", "-db", "-f", configuration], { port, launcher });
  return {
    name: "HAProxy",
    about: version,
    host: HOST,
    port,
    tlsPort,
    prefix: "",
    pid: program.child.pid ?? 0,
    stop: program.stop,
  };
};
