import { lockFolder } from "../folder-lock.ts";
import { startLocalPostgres } from "../local-postgres.ts";

// A program that locks the folder of its first argument, starts PostgreSQL there, writes one line of JSON about what came
// of it, and stays until it is killed or its input ends. Then it goes without stopping the server.

const [folder = ""] = process.argv.slice(2);
try {
  await lockFolder(folder);
  const { pid, port, url, superuserUrl } = await startLocalPostgres({ folder });
  process.stdout.write(`${JSON.stringify({ pid, port, url, superuserUrl, uid: process.getuid?.() })}\n`);
  process.stdin.once("end", () => process.exit()).resume();
} catch (error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  process.stdout.write(`${JSON.stringify({ error: name, message })}\n`);
}
