import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { create } from "tar";

/**
 * A module for tests, small enough to start in a moment. Its process answers health checks and tells its version; what
 * matters is its data:
 *
 *   1.0.0  table notes
 *   1.1.0  adds a column with a default, so that 1.0.0 works on it too
 *   2.0.0  renames a column: 1.1.0 would break on it
 *   2.1.0  a migration that fails after changing tables
 *   3.0.0  its process is never healthy for a tenant
 *
 * and from 2.0.0 on releases whose data can be used beside that of the one before:
 *
 *   2.2.0  the content in two parts
 *   2.3.0  the second part as a number; a row where it is none can't be brought to it
 *   3.1.0  its process is never healthy for a tenant
 */
export const NOTES_VERSIONS = ["1.0.0", "1.1.0", "2.0.0", "2.1.0", "2.2.0", "2.3.0", "3.0.0", "3.1.0"] as const;
export type NotesVersion = (typeof NOTES_VERSIONS)[number];

const CREATE = {
  "001_notes.up.sql": `create table notes (id bigint generated always as identity primary key, body text not null);
insert into notes (body) select 'note ' || n from generate_series(1, 50) as n;
`,
  "001_notes.down.sql": "drop table notes;\n",
};
const STAR = {
  "002_star.up.sql": "alter table notes add column starred boolean not null default false;\n",
  "002_star.down.sql": "alter table notes drop column starred;\n",
};
const RENAME = {
  "003_text.up.sql":
    "alter table notes rename column body to content;\ncreate index notes_content on notes (content);\n",
  "003_text.down.sql": "drop index notes_content;\nalter table notes rename column content to body;\n",
};
const BROKEN = {
  "004_length.up.sql": "alter table notes add column length integer;\nupdate notes set length = 1 / 0;\n",
};
const UNHEALTHY = { "004_pinned.up.sql": "alter table notes add column pinned boolean not null default false;\n" };

const PARTS = {
  "004_parts.yaml": `operations:
  - add_column: { table: notes, up: "split_part(content, ' ', 1)", column: { name: kind, type: text } }
  - add_column: { table: notes, up: "split_part(content, ' ', 2)", column: { name: rest, type: text } }
  - drop_column: { table: notes, column: content, down: "kind || ' ' || rest" }
  - sql: { onComplete: true, up: "update notes set starred = starred where id between 11 and 20" }
`,
};
const NUMBER = {
  "005_number.yaml": `operations:
  - alter_column: { table: notes, column: rest, type: integer, up: "rest::integer", down: "rest::text" }
  - add_column: { table: notes, column: { name: colour, type: text, default: "'blue'" } }
`,
};
const ALL_BEFORE = { ...CREATE, ...STAR, ...RENAME };

const RELEASES: Record<NotesVersion, { manifest: string; migrations: Record<string, string> }> = {
  "1.0.0": { manifest: "", migrations: CREATE },
  "1.1.0": {
    manifest: 'upgrades: { from: ">=1.0.0 <1.1.0" }\ndata: { compatibleWith: "1.0.0" }\n',
    migrations: { ...CREATE, ...STAR },
  },
  "2.0.0": { manifest: 'upgrades: { from: ">=1.1.0 <2.0.0" }\n', migrations: ALL_BEFORE },
  "2.1.0": { manifest: 'upgrades: { from: ">=2.0.0 <2.1.0" }\n', migrations: { ...ALL_BEFORE, ...BROKEN } },
  "2.2.0": { manifest: 'upgrades: { from: "2.0.0" }\n', migrations: { ...ALL_BEFORE, ...PARTS } },
  "2.3.0": { manifest: 'upgrades: { from: "2.2.0" }\n', migrations: { ...ALL_BEFORE, ...PARTS, ...NUMBER } },
  "3.0.0": { manifest: 'upgrades: { from: "2.0.0" }\n', migrations: { ...ALL_BEFORE, ...UNHEALTHY } },
  "3.1.0": { manifest: 'upgrades: { from: "2.2.0" }\n', migrations: { ...ALL_BEFORE, ...PARTS, ...NUMBER } },
};

const SERVER = `import { createServer } from "node:http";
const version = process.env.AIBOS_VERSION;
createServer((request, response) => {
  const broken = request.url === "/healthz/tenant" && version.startsWith("3.");
  response.writeHead(broken ? 500 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify({ version, pid: process.pid, context: request.headers["x-aibos-context"] !== undefined }));
}).listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

/** The archive of one version, as \`aibos-versions publish\` would send it. */
export async function notesArchive(version: NotesVersion): Promise<Buffer> {
  const { manifest, migrations } = RELEASES[version];
  return packFiles({
    "aibos.module.yaml": `id: notes
version: "${version}"
title: Notes
runtime:
  command: ["node", "server.mjs"]
  tenantHealthPath: /healthz/tenant
${manifest}`,
    "server.mjs": SERVER,
    ...Object.fromEntries(Object.entries(migrations).map(([name, sql]) => [`migrations/${name}`, sql])),
  });
}

/** Packs files given as text. */
export async function packFiles(files: Record<string, string>): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "aibos-archive-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    const names = Object.keys(files).sort();
    const chunks = create({ gzip: true, portable: true, cwd: folder, noMtime: true }, names);
    return await chunks.concat();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
