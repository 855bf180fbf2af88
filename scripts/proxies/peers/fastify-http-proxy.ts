import fastifyProxy from "@fastify/http-proxy";
import fastify from "fastify";
import { PEER } from "./peer-settings.ts";

const app = fastify({ logger: false });
await app.register(fastifyProxy, {
  upstream: PEER.upstream,
  websocket: true,
  undici: { connections: 1_024, pipelining: 1, headersTimeout: PEER.answerTimeout },
});
await app.listen({ port: PEER.port, host: PEER.host });
