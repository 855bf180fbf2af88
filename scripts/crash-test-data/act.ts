import pg from "pg";
import { act } from "./actions.ts";

// A program that does one thing to the data and ends; the crash test kills it in the midst. It says when it begins, and
// when the work has ended, after which there is nothing to kill any more.

const [action = "", backup = ""] = process.argv.slice(2);
const client = new pg.Client({ connectionString: process.env["DATABASE_URL"] });
// The statement that was under way says it.
client.on("error", () => undefined);
await client.connect();
process.stdout.write("begins\n");
await act(client, action, backup);
process.stdout.write("ended\n");
await client.end();
