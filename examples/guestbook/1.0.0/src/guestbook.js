import { readContext } from "./context.js";
import { inTenant } from "./in-tenant.js";

/** Answers one request: `GET /healthz`, `GET /healthz/tenant`, `GET /entries`, `POST /entries`. */
export async function answerRequest(settings, request) {
  try {
    return await route(settings, request);
  } catch (error) {
    if (error.status !== undefined) return { status: error.status, body: { detail: error.message } };
    // The version is shut out of the tenant's data while the tenant is being moved.
    if (error.code === "42501")
      return { status: 503, body: { detail: "Try again shortly." }, headers: { "retry-after": "1" } };
    process.stderr.write(`${error.stack}\n`);
    return { status: 500, body: { detail: "Something went wrong." } };
  }
}

async function route({ pool, contextKey, module, version }, request) {
  const { pathname } = new URL(request.url, "http://module");
  const address = `${request.method} ${pathname}`;
  if (address === "GET /healthz") {
    await pool.query("select 1");
    return { status: 200, body: { status: "ok" } };
  }
  const context = readContext(request.headers["x-aibos-context"], { contextKey, module, version });
  if (address === "GET /healthz/tenant") {
    await inTenant(pool, context, (client) => client.query("select from entries limit 1"));
    return { status: 200, body: { status: "ok" } };
  }
  if (address === "GET /entries") {
    const { rows } = await inTenant(pool, context, (client) =>
      client.query("select id::float8 as id, author, text from entries order by entries.id desc limit 100"),
    );
    return { status: 200, body: { version, entries: rows } };
  }
  if (address === "POST /entries") {
    const { author, text } = await readEntry(request);
    const { rows } = await inTenant(pool, context, (client) =>
      client.query("insert into entries (author, text) values ($1, $2) returning id::float8 as id, author, text", [
        author,
        text,
      ]),
    );
    return { status: 201, body: { version, entry: rows[0] } };
  }
  throw refusal(404, "The guestbook has no such page.");
}

async function readEntry(request) {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) {
    body += chunk;
    if (body.length > 10_000) throw refusal(413, "That is too long.");
  }
  try {
    const { author, text } = JSON.parse(body);
    if (typeof author === "string" && author !== "" && typeof text === "string" && text !== "") return { author, text };
  } catch {
    // Refused below, like any other body.
  }
  throw refusal(400, "Send { author, text }, two texts that are not empty.");
}

function refusal(status, message) {
  return Object.assign(new Error(message), { status });
}
