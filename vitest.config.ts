import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts", "examples/**/*.test.ts"],
    // Those that drive real traffic engines: npm run test:engines.
    exclude: ["**/node_modules/**", "**/*.engine.test.ts"],
    globalSetup: ["packages/local-postgres/src/testing/global-setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
