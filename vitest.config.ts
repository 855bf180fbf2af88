import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Tests that wait for much, the longest first: started last, they would keep one worker long after the others. */
const LONG = [
  "control-plane/src/service-over-http.db.test.ts",
  "control-plane/src/service-in-process.db.test.ts",
  "tenant-data/src/operations/operations.db.test.ts",
  "scripts/route-feed-outage.db.test.ts",
  "scripts/keep-processes.db.test.ts",
  "scripts/takeover.db.test.ts",
  "control-plane/src/features/customizations/customizations.db.test.ts",
  "tenant-data/src/live/validation/validate-release.db.test.ts",
  "examples/accounting/upgrade.db.test.ts",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = LONG.findIndex((name) => moduleId.endsWith(name));
      return index === -1 ? LONG.length : index;
    };
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "scripts/**/*.test.ts", "examples/**/*.test.ts"],
    // Those that drive real traffic engines: npm run test:engines.
    exclude: ["**/node_modules/**", "**/*.engine.test.ts"],
    globalSetup: ["packages/local-postgres/src/testing/global-setup.ts"],
    pool: "forks",
    // The files that a worker runs one after the other share the modules that they import: loading these anew for each file
    // took a seventh of all the work. So a test puts back what it changes of its process.
    isolate: false,
    // One more than the cores that this is made for: many tests wait for processes.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
