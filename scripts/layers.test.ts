import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import config from "../oxlint.config.ts";

const run = promisify(execFile);

/** Imports that the layers forbid (ARCHITECTURE.md), each planted in a file of its own. */
const FORBIDDEN: readonly (readonly [from: string, imported: string])[] = [
  ["packages/domain/src/a.ts", "@aibos/contract"],
  ["packages/domain/src/b.ts", "../../tenant-data/src/index.ts"],
  ["packages/domain/src/versions/c.ts", "node:fs"],
  ["packages/contract/src/a.ts", "@aibos/control-plane"],
  ["packages/contract/src/b.ts", "@aibos/tenant-data"],
  ["packages/tenant-data/src/a.ts", "@aibos/contract"],
  ["packages/tenant-data/src/b.ts", "@aibos/control-plane"],
  ["packages/module-kit/src/a.ts", "@aibos/tenant-data"],
  ["packages/gateway/src/a.ts", "@aibos/control-plane"],
  ["packages/gateway/src/b.ts", "@aibos/tenant-data"],
  ["packages/cli/src/a.ts", "@aibos/tenant-data"],
  ["packages/control-plane/src/a.ts", "@aibos/gateway"],
  ["packages/control-plane/src/features/tenants/a.ts", "../../http/app.ts"],
  ["packages/control-plane/src/features/tenants/b.ts", "../modules/publish-module.ts"],
  ["packages/control-plane/src/features/tenants/c.ts", "../deployments/deployment-store.ts"],
  ["packages/control-plane/src/db/a.ts", "../features/tenants/tenant-store.ts"],
];

/** Imports of the same kinds that the layers allow. */
const ALLOWED: readonly (readonly [from: string, imported: string])[] = [
  ["packages/contract/src/x.ts", "@aibos/domain"],
  ["packages/tenant-data/src/x.ts", "@aibos/domain"],
  ["packages/gateway/src/x.ts", "@aibos/contract"],
  ["packages/cli/src/x.ts", "@aibos/contract"],
  ["packages/control-plane/src/features/tenants/x.ts", "../modules/module-read-model.ts"],
  ["packages/control-plane/src/features/tenants/y.ts", "@aibos/tenant-data"],
  ["packages/control-plane/src/platform.ts", "./features/tenants/tenant-store.ts"],
];

let folder = "";
let refused: ReadonlySet<string> = new Set();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aibos-layers-"));
  await writeFile(join(folder, ".oxlintrc.json"), JSON.stringify(config));
  for (const [from, imported] of [...FORBIDDEN, ...ALLOWED]) {
    await mkdir(dirname(join(folder, from)), { recursive: true });
    await writeFile(join(folder, from), `import { something } from "${imported}";\nexport const used = something;\n`);
  }
  refused = await filesWithForbiddenImports(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function filesWithForbiddenImports(root: string): Promise<Set<string>> {
  const program = join(dirname(createRequire(import.meta.url).resolve("oxlint/package.json")), "bin/oxlint");
  const lint = run(process.execPath, [program, "-f", "json"], { cwd: root }).catch(
    // It ends with 1 when it found something.
    (error: Error & { stdout: string }) => error,
  );
  const { stdout } = await lint;
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
  return new Set(
    diagnostics.flatMap(({ code, filename }) => (code.includes("no-restricted-imports") ? [filename] : [])),
  );
}

test.each(FORBIDDEN)("%s must not import %s", (from) => {
  expect(refused).toContain(from);
});

test.each(ALLOWED)("%s may import %s", (from) => {
  expect(refused).not.toContain(from);
});

test("the repository itself holds to the layers", async () => {
  expect([...(await filesWithForbiddenImports(fileURLToPath(new URL("..", import.meta.url))))]).toEqual([]);
}, 180_000);
