import { defineConfig } from "vitest/config";

// Tests that drive real traffic engines; `npm run test:engines` finds or installs these.
export default defineConfig({
  test: { include: ["packages/engines/src/**/*.engine.test.ts"], pool: "forks", maxWorkers: 1, testTimeout: 60_000 },
});
