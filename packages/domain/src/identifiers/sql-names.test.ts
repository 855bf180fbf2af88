import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseVersion } from "../versions/version.ts";
import { parseInstallationId } from "./installation-id.ts";
import { parseModuleId } from "./module-id.ts";
import { rehearsalName, rollbackSchemaName, tenantRoleName, tenantSchemaName, versionRoleName } from "./sql-names.ts";
import { parseTenantId } from "./tenant-id.ts";

const installation = parseInstallationId("00c0ffee");

// Few letters and many dashes and lengths near the limits: where two names could meet.
const slug = fc
  .array(fc.stringMatching(/^[ab]{1,14}$/), { minLength: 1, maxLength: 8 })
  .map((words) => words.join("-").slice(0, 40).replace(/-$/, ""));
const tenants = slug.map(parseTenantId);
const modules = slug.map(parseModuleId);
const versions = fc
  .tuple(fc.nat(12), fc.nat(12), fc.constantFrom("0", "1", "0-rc.1", "0-rc-1", "0-rc.11", "0-RC.1", "0--", "0-a--b"))
  .map(([major, minor, rest]) => parseVersion(`${major}.${minor}.${rest}`));
const points = fc.oneof(fc.uuid(), fc.stringMatching(/^[0-9a-zA-Z._/-]{1,50}$/));

/** All kinds of names, each with what it must tell apart. */
const names = fc.oneof(
  fc.tuple(tenants, modules).map(([t, m]) => ({ name: tenantSchemaName(t, m), of: ["schema", t, m] })),
  fc.tuple(tenants, modules).map(([t, m]) => ({ name: tenantRoleName(installation, t, m), of: ["role", t, m] })),
  fc.tuple(modules, versions).map(([m, v]) => ({ name: versionRoleName(installation, m, v), of: ["version", m, v] })),
  fc
    .tuple(tenants, modules, points)
    .map(([t, m, id]) => ({ name: rollbackSchemaName(t, m, id), of: ["rp", t, m, id] })),
  points.map((id) => ({ name: rehearsalName(installation, id), of: ["rehearsal", id] })),
);

describe("SQL names", () => {
  it("read as what they stand for", () => {
    const tenant = parseTenantId("acme-gmbh");
    const module = parseModuleId("accounting");
    expect(tenantSchemaName(tenant, module)).toBe("t__acme_gmbh__accounting");
    expect(tenantRoleName(installation, tenant, module)).toBe("aibos_00c0ffee_t__acme_gmbh__accounting");
    expect(versionRoleName(installation, module, parseVersion("1.5.0"))).toMatch(
      /^aibos_00c0ffee_v__accounting__1_5_0___[0-9a-f]{16}$/,
    );
    expect(rollbackSchemaName(tenant, module, "42")).toBe("rp__acme_gmbh__accounting__42");
  });

  it("need no quotes, fit PostgreSQL's 63 bytes and can't be taken for its own", () => {
    fc.assert(
      fc.property(names, ({ name }) => {
        expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
        expect(name).not.toMatch(/^pg_/);
      }),
      { numRuns: 1_000 },
    );
  });

  it("differ whenever what they stand for differs", () => {
    fc.assert(
      fc.property(fc.array(names, { minLength: 2, maxLength: 60 }), (all) => {
        const owners = new Map<string, string>();
        for (const { name, of } of all) {
          const owner = owners.get(name) ?? JSON.stringify(of);
          expect(JSON.stringify(of)).toBe(owner);
          owners.set(name, owner);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["a-b", "c", "a", "b-c"],
    ["a", "b-c", "a-b", "c"],
    ["ab", "c", "a", "bc"],
    [`${"a".repeat(39)}b`, "b".repeat(40), "a".repeat(40), "b".repeat(40)],
    ["a".repeat(40), "b".repeat(40), "a".repeat(40), `${"b".repeat(39)}c`],
  ])("tell tenant %s and module %s from tenant %s and module %s", (tenant, module, otherTenant, otherModule) => {
    const one = [parseTenantId(tenant), parseModuleId(module)] as const;
    const other = [parseTenantId(otherTenant), parseModuleId(otherModule)] as const;
    expect(tenantSchemaName(...one)).not.toBe(tenantSchemaName(...other));
    expect(tenantRoleName(installation, ...one)).not.toBe(tenantRoleName(installation, ...other));
  });

  it("tell versions apart that differ in signs only", () => {
    const module = parseModuleId("m");
    const texts = ["1.0.0-rc.1", "1.0.0-rc-1", "1.0.0-RC.1", "1.0.0-rc1"].map(parseVersion);
    expect(new Set(texts.map((version) => versionRoleName(installation, module, version))).size).toBe(texts.length);
  });

  it("tell installations on one server apart", () => {
    const other = parseInstallationId("00c0ffef");
    const tenant = parseTenantId("a".repeat(40));
    const module = parseModuleId("b".repeat(40));
    expect(tenantRoleName(installation, tenant, module)).not.toBe(tenantRoleName(other, tenant, module));
  });
});
