import { Agent, createServer } from "node:http";
import { createProxyMiddleware } from "http-proxy-middleware";
import { PEER } from "./peer-settings.ts";

const proxy = createProxyMiddleware({
  target: PEER.upstream,
  agent: new Agent({ keepAlive: true, maxSockets: 1_024 }),
  xfwd: true,
  proxyTimeout: PEER.answerTimeout,
});
createServer((request, response) => void proxy(request, response, () => response.writeHead(404).end()))
  .on("upgrade", proxy.upgrade)
  .listen(PEER.port, PEER.host);
