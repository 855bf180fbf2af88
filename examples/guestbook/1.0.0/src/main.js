import { createServer } from "node:http";
import { Pool } from "pg";
import { answerRequest } from "./guestbook.js";

// Uses nothing of the platform's: only what docs/guides/write-a-module.md says.
const { PORT, AIBOS_DATABASE_URL, AIBOS_CONTEXT_KEY, AIBOS_MODULE, AIBOS_VERSION } = process.env;
const pool = new Pool({ connectionString: AIBOS_DATABASE_URL, max: 5 });
// An idle connection that the server ended is replaced at its next use.
pool.on("error", () => undefined);
const settings = { pool, contextKey: AIBOS_CONTEXT_KEY, module: AIBOS_MODULE, version: AIBOS_VERSION };

const server = createServer((request, response) => {
  // When the process was asked to stop, the connection ends behind the answer.
  response.once("finish", () => {
    if (!server.listening) request.socket.end();
  });
  void answerRequest(settings, request).then(({ status, body, headers = {} }) => {
    response.shouldKeepAlive &&= server.listening;
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  });
});
server.keepAliveTimeout = 75_000;
server.listen(Number(PORT), "127.0.0.1", () => process.stdout.write(`Listening on ${server.address().port}\n`));

process.once("SIGTERM", () => {
  server.close(() => void pool.end());
});
