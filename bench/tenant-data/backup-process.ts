import pg from "pg";
import { restoreBackup, writeBackup } from "@aibos/tenant-data";

// One backup or restore in a process of its own, for its time and the most memory that it had. The time begins when the
// program is loaded, with the connection: the library runs inside a server.

const [what = "", url = "", file = "", compression = "zstd"] = process.argv.slice(2);
const idle = process.memoryUsage.rss();
const start = performance.now();
const client = new pg.Client({ connectionString: url });
await client.connect();
if (what === "backup") {
  const kind = compression === "gzip" ? "gzip" : "zstd";
  await writeBackup(client, { schema: "bench", metadata: null, compression: kind }, file);
} else {
  await restoreBackup(client, file, { schema: "bench", owner: "postgres" });
}
await client.end();
const ms = performance.now() - start;
const peak = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ ms, idle, peak })}\n`);
