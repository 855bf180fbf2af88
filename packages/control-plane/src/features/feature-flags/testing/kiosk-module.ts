import { packFiles } from "../../../testing/notes-module.ts";

/**
 * A module for tests of flags of tenants that move:
 *
 *   1.0.0
 *   1.1.0  renames `old_name`
 *   2.0.0  renames it again, retypes `page_size` and `limit`, renames a variant of `look`, removes `retired_soon`
 *   3.0.0  its process is never healthy for a tenant
 */
export const KIOSK_VERSIONS = ["1.0.0", "1.1.0", "2.0.0", "3.0.0"] as const;
type KioskVersion = (typeof KIOSK_VERSIONS)[number];

const FIRST = {
  new_ui: { type: "boolean", default: false },
  old_name: { type: "boolean", default: false },
  page_size: { type: "integer", default: 20 },
  limit: { type: "string", default: "none" },
  look: { type: "string", default: "light", variants: { light: "light", dark: "dark" } },
  rows: {
    type: "object",
    default: { most: 10 },
    schema: { type: "object", properties: { most: { type: "integer", maximum: 100 } }, required: ["most"] },
  },
  retired_soon: { type: "boolean", default: false },
};
const { old_name: first, ...others } = FIRST;
const SECOND = { ...others, middle_name: { ...first, renamedFrom: "old_name" } };
const THIRD = {
  new_ui: { type: "boolean", default: true },
  new_name: { ...first, renamedFrom: "middle_name" },
  page_size: { type: "string", default: "20" },
  limit: { type: "integer", default: 0 },
  look: { type: "string", default: "light", variants: { light: "light", night: "dark" } },
  rows: {
    ...FIRST.rows,
    schema: { type: "object", properties: { most: { type: "integer", maximum: 50 } }, required: ["most"] },
  },
};
const FLAGS: Record<KioskVersion, object> = { "1.0.0": FIRST, "1.1.0": SECOND, "2.0.0": THIRD, "3.0.0": THIRD };

const SERVER = `import { createServer } from "node:http";
const broken = process.env.AIBOS_VERSION === "3.0.0";
createServer((request, response) => {
  response.statusCode = broken && request.url === "/healthz/tenant" ? 500 : 200;
  response.end("{}");
}).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

/** The archive of one version. */
export async function kioskArchive(version: KioskVersion): Promise<Buffer> {
  const before = KIOSK_VERSIONS[KIOSK_VERSIONS.indexOf(version) - 1];
  return packFiles({
    // JSON is YAML, too.
    "aibos.module.yaml": JSON.stringify({
      id: "kiosk",
      version,
      title: "Kiosk",
      runtime: { command: ["node", "server.mjs"], tenantHealthPath: "/healthz/tenant" },
      ...(before === undefined ? {} : { upgrades: { from: before } }),
      flags: FLAGS[version],
    }),
    "server.mjs": SERVER,
  });
}
