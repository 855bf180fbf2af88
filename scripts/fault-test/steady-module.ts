import { packFiles } from "../../packages/control-plane/src/testing/notes-module.ts";

export const MODULE = "steady";
export const OLD = "1.0.0";
export const NEW = "1.1.0";

/** A path that the new version answers with 500, as a version with a bug does. */
export const FAILING_PATH = "/failing";
/** The header of answers that are failures on purpose: the path's, and not the platform's. */
export const ON_PURPOSE = "x-on-purpose";

const SERVER = `import { createServer } from "node:http";
const version = process.env.AIBOS_VERSION;
const server = createServer((request, response) => {
  const failing = version !== "${OLD}" && request.url.startsWith("${FAILING_PATH}");
  setTimeout(() => {
    response.writeHead(failing ? 500 : 200, { "content-type": "text/plain", ...(failing && { "${ON_PURPOSE}": "1" }) });
    response.end(version);
  }, 3);
}).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  setInterval(() => server.closeIdleConnections(), 50);
});
`;

/**
 * The archive of a version of a module that answers every request and, asked to stop, those under way: what a request
 * meets besides is the platform's doing. Both versions work on the same tables.
 */
export function steadyArchive(version: typeof OLD | typeof NEW): Promise<Buffer> {
  return packFiles({
    "aibos.module.yaml": `id: ${MODULE}
version: "${version}"
title: Steady
runtime:
  command: ["node", "server.mjs"]
${version === NEW ? `upgrades: { from: "${OLD}" }\ndata: { compatibleWith: "${OLD}" }\n` : ""}`,
    "server.mjs": SERVER,
    "migrations/001_things.up.sql": "create table things (id bigint primary key);\n",
    "migrations/001_things.down.sql": "drop table things;\n",
  });
}
