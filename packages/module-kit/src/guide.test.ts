import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { MODULE_ENVIRONMENT, signTenantContext, TENANT_CONTEXT_HEADER, verifyTenantContext } from "@aibos/contract";

let guide = "";
beforeAll(async () => {
  guide = await readFile(new URL("../../../docs/guides/write-a-module.md", import.meta.url), "utf8");
});

/** The text of the fenced block of this kind and name. */
function block(fence: string): string {
  const text = guide.split(`\`\`\`${fence}\n`)[1]?.split("\n```")[0];
  if (text === undefined) throw new Error(`The guide has no block "${fence}".`);
  return text;
}

describe("the guide on writing a module", () => {
  test("shows a context whose header is exactly what the gateway sends", () => {
    const verified = verifyTenantContext(block("text context-header"), block("text context-key"), 1_800_000_000);
    const context = "context" in verified ? verified.context : undefined;
    expect(JSON.stringify(context)).toBe(block("text context-json"));
    expect(context && signTenantContext(context, block("text context-key"))).toBe(block("text context-header"));
  });

  test("names the header and every variable of the environment", () => {
    for (const name of [TENANT_CONTEXT_HEADER, ...Object.values(MODULE_ENVIRONMENT)]) {
      expect(guide).toContain(`\`${name}\``);
    }
  });
});
