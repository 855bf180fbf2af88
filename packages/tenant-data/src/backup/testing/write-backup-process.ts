import pg from "pg";
import { writeBackup } from "../write-backup.ts";

// A program that backs a schema up to a file, to be killed.

const [url = "", schema = "", file = ""] = process.argv.slice(2);
const client = new pg.Client({ connectionString: url });
await client.connect();
await writeBackup(client, { schema, metadata: null }, file);
await client.end();
