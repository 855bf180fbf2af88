import { createServer } from "node:http";
import { Pool } from "undici";
import { PEER } from "./peer-settings.ts";

// No proxy but its core: each request goes to undici and each answer back, with back-pressure, and nothing else is done.
// What a proxy on undici costs beyond this is its own work.

const pool = new Pool(PEER.upstream, { connections: 1_024, pipelining: 1, headersTimeout: PEER.answerTimeout });

createServer((request, response) => {
  const { method = "GET", url = "/", headers, rawHeaders } = request;
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  pool.dispatch(
    { path: url, method, headers: rawHeaders, body: hasBody ? request : null },
    {
      onRequestStart() {},
      onResponseStart(controller, status) {
        response.writeHead(status, (controller.rawHeaders as Buffer[]).map(String));
      },
      onResponseData(controller, chunk) {
        if (response.write(chunk)) return;
        controller.pause();
        response.once("drain", () => controller.resume());
      },
      onResponseEnd() {
        response.end();
      },
      onResponseError() {
        response.destroy();
      },
    },
  );
}).listen(PEER.port, PEER.host);
