import type { Logger } from "pino";
import { createExternalDriver } from "./external-driver.ts";
import { createProcessDriver } from "./process-driver.ts";
import type { RuntimeDriver } from "./runtime-driver.ts";

/** All runtime drivers as one: each version runs with the driver that its manifest names. */
export async function createRuntime(options: { folder: string; log: Logger }): Promise<RuntimeDriver> {
  const drivers = { process: await createProcessDriver(options), external: createExternalDriver() };
  const all = Object.values(drivers);
  return {
    ensure: (spec) => drivers[spec.runtime.driver].ensure(spec),
    async stop(name) {
      for (const driver of all) await driver.stop(name);
    },
    list: () => all.flatMap((driver) => driver.list()),
    usage: async () => (await Promise.all(all.map((driver) => driver.usage()))).flat(),
    outputEnd: (name) => drivers.process.outputEnd(name),
    outputSince: (name, from) => drivers.process.outputSince(name, from),
    onChange(listener) {
      const ends = all.map((driver) => driver.onChange(listener));
      return () => {
        for (const end of ends) end();
      };
    },
    async close(how) {
      await Promise.all(all.map((driver) => driver.close(how)));
    },
  };
}
