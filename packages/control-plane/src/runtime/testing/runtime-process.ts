import pino from "pino";
import { createProcessDriver } from "../process-driver.ts";
import { smallModule } from "./small-module.ts";

// A process that runs versions and is killed by a test: node runtime-process.ts <folder> <version> …

const [folder = "", ...versions] = process.argv.slice(2);
const driver = await createProcessDriver({ folder, log: pino({ level: "silent" }) });
for (const version of versions) {
  const { url, pid } = await driver.ensure(await smallModule(version));
  process.stdout.write(`${JSON.stringify({ version, url, pid })}\n`);
}
process.stdin.resume();
