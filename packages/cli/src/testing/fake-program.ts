import { appendFileSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// Stands in for the control plane and the gateway: speaks their protocol with `up`, writes what it does to a journal, and
// misbehaves as FAKE_<PART> says.

const environment = process.env;
const part = environment["AIBOS_GATEWAY_ID"] === undefined ? "control-plane" : "gateway";
const behaviour = environment[part === "gateway" ? "FAKE_GATEWAY" : "FAKE_CONTROL_PLANE"] ?? "";
const port = environment[part === "gateway" ? "AIBOS_GATEWAY_PORT" : "AIBOS_PORT"];

function note(event: string): void {
  const told = Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith("AIBOS_")));
  appendFileSync(
    environment["FAKE_JOURNAL"] ?? "",
    `${JSON.stringify({ part, event, pid: process.pid, environment: told })}\n`,
  );
}

function say(message: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function stop(): void {
  if (behaviour === "stubborn") return note("asked");
  note("stopped");
  process.exit(0);
}

const startedBefore = readFileSync(environment["FAKE_JOURNAL"] ?? "", { encoding: "utf8", flag: "a+" })
  .split("\n")
  .filter((line) => line.includes(`"part":"${part}"`)).length;
note("started");
process.on("SIGTERM", stop);
process.on("SIGINT", () => note("interrupted"));
process.stdin.resume().once("close", stop);

// "failed": at the first start; "failed-again": at the first two that follow it.
if (behaviour === "failed" || (behaviour === "failed-again" && [1, 2].includes(startedBefore))) {
  say({ type: "failed", code: "AIBOS_PORT_TAKEN", message: `Port ${port} is used by another program.` });
  process.exit(1);
}
if (behaviour === "dies") {
  process.stderr.write(`${JSON.stringify({ level: 60, msg: "out of luck", err: { message: "the reason" } })}\n`);
  process.exit(7);
}
if (behaviour === "slow") {
  setInterval(() => undefined, 1_000);
} else {
  process.stderr.write(`the log of the ${part}\n`);
  const server = createServer((_request, response) => response.end(part));
  server.listen(Number(port), "127.0.0.1", () => {
    const address = server.address() as AddressInfo;
    const url = `http://127.0.0.1:${address.port}`;
    say(
      part === "gateway"
        ? { type: "ready", url, adminUrl: url }
        : { type: "ready", url, tokenFile: `${environment["AIBOS_DATA_DIR"]}/token` },
    );
  });
}
