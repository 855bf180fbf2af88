import { fileURLToPath } from "node:url";
import type { PlatformPrograms } from "./platform.ts";

/** The main files of the programs that `up` runs. They are started, never imported: each is a process of its own. */
export function platformPrograms(): PlatformPrograms {
  return {
    controlPlane: fileURLToPath(import.meta.resolve("@aibos/control-plane/main")),
    gateway: fileURLToPath(import.meta.resolve("@aibos/gateway/main")),
  };
}
