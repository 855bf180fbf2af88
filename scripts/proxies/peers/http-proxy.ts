import { Agent, createServer } from "node:http";
import { Socket } from "node:net";
import httpProxy from "http-proxy";
import { PEER } from "./peer-settings.ts";

const agent = new Agent({ keepAlive: true, maxSockets: 1_024 });
const proxy = httpProxy.createProxyServer({
  target: PEER.upstream,
  agent,
  xfwd: true,
  ws: true,
  proxyTimeout: PEER.answerTimeout,
});
// As its documentation shows: without a listener a failed upstream ends the process.
proxy.on("error", (_error, _request, response) => {
  if (response instanceof Socket) response.destroy();
  else if (!response.headersSent) response.writeHead(502).end();
});
createServer((request, response) => proxy.web(request, response))
  .on("upgrade", (request, socket, head) => proxy.ws(request, socket, head))
  .listen(PEER.port, PEER.host);
