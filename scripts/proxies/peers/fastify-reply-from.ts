import replyFrom from "@fastify/reply-from";
import fastify from "fastify";
import { PEER } from "./peer-settings.ts";

const app = fastify({ logger: false });
// As its documentation shows for bodies that are only passed on.
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", (_request, body, done) => done(null, body));
await app.register(replyFrom, {
  base: PEER.upstream,
  undici: { connections: 1_024, pipelining: 1, headersTimeout: PEER.answerTimeout },
});
app.all("/*", (request, reply) => {
  void reply.from(request.url);
});
await app.listen({ port: PEER.port, host: PEER.host });
