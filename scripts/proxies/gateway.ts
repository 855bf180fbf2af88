import { fileURLToPath } from "node:url";
import { writeCertificate } from "./certificate.ts";
import { freePort, HOST, type StartProxy, startProgram } from "./proxy.ts";
import { startFeed } from "./route-feed.ts";

/** The gateway's own program with all its work on: routing, stickiness, signed contexts, and what observes it. */
export const startOurs: StartProxy = async ({ upstreamPort, folder, launcher, answerTimeout }) => {
  const control = await startFeed(upstreamPort);
  const { cert, key } = await writeCertificate(folder);
  const [port, tlsPort] = [await freePort(), await freePort()];
  const main = fileURLToPath(new URL("../../packages/gateway/src/main.ts", import.meta.url));
  const program = await startProgram([process.execPath, main], {
    port,
    launcher,
    environment: {
      AIBOS_CONTROL_URL: control.url,
      AIBOS_TOKEN: "none",
      AIBOS_GATEWAY_ID: "measured",
      AIBOS_GATEWAY_FOLDER: folder,
      AIBOS_GATEWAY_PORT: String(port),
      AIBOS_GATEWAY_TLS_PORT: String(tlsPort),
      AIBOS_GATEWAY_TLS_CERT: cert,
      AIBOS_GATEWAY_TLS_KEY: key,
      AIBOS_GATEWAY_ANSWER_TIMEOUT: String(answerTimeout),
      AIBOS_LOG_LEVEL: "error",
    },
  });
  await control.followed;
  return {
    name: "aibos gateway",
    about: "as it is set without settings",
    host: HOST,
    port,
    tlsPort,
    prefix: "/t/acme/notes",
    pid: program.child.pid ?? 0,
    async stop() {
      await program.stop();
      await control.stop();
    },
  };
};
