import { aWhile, type ConformanceCase, demand, fieldOf, hasStatus } from "../conformance-case.ts";
import { dataFrame, headersFrame, HTTP2_PREFACE, outcomeOf, resetFrame } from "../http2-frames.ts";
import type { Laboratory } from "../laboratory.ts";
import type { RawPeer } from "../raw-peer.ts";

type Fields = readonly (readonly [string, string])[];

function fieldsOf(lab: Laboratory, changed: Record<string, string | undefined> = {}, more: Fields = []): Fields {
  const ordinary = {
    ":method": "GET",
    ":scheme": "https",
    ":authority": "shop.example",
    ":path": `${lab.proxy.prefix}/x`,
  };
  const pseudo = Object.entries({ ...ordinary, ...changed }).flatMap(([name, value]): (readonly [string, string])[] =>
    value === undefined ? [] : [[name, value]],
  );
  return [...pseudo, ...more];
}

async function ask(lab: Laboratory, ...frames: string[]): Promise<RawPeer> {
  const client = await lab.tlsClient("h2");
  client.write(HTTP2_PREFACE + frames.join(""));
  return client;
}

function refuses(section: string, title: string, frames: (lab: Laboratory) => string[]): ConformanceCase {
  return {
    section,
    title: `refuses ${title}`,
    needs: "h2",
    async run(lab) {
      const client = await ask(lab, ...frames(lab));
      await client.until(() => outcomeOf(client).end !== "open", "an end of the stream");
      await aWhile(50);
      const { end, isError } = outcomeOf(client);
      demand(end !== "whole" || isError, "answered with success");
      demand(lab.requests.length === 0, `passed it on as ${JSON.stringify(lab.requests[0]?.slice(0, 150))}`);
    },
  };
}

function refusesFields(section: string, title: string, changed: Record<string, string | undefined>, more: Fields = []) {
  return refuses(section, title, (lab) => [headersFrame(fieldsOf(lab, changed, more), true)]);
}

export const HTTP2: readonly ConformanceCase[] = [
  {
    section: "RFC 9113 8.3.1",
    title: "makes an ordinary request of HTTP/1.1 of one of HTTP/2",
    needs: "h2",
    async run(lab) {
      const client = await ask(lab, headersFrame(fieldsOf(lab, {}, [["a", "b"]]), true));
      await client.until(() => outcomeOf(client).end === "whole", "an answer");
      const request = await lab.firstRequest();
      demand(request.startsWith("GET /x HTTP/1.1\r\n"), `sent ${JSON.stringify(request.slice(0, 40))}`);
      demand(fieldOf(request, "a") === "b" && fieldOf(request, "host") !== undefined, "lost a field");
      demand(!/^:/m.test(request), "sent pseudo-fields");
      demand(outcomeOf(client).content === "ok", "lost the body");
    },
  },
  {
    section: "RFC 9113 3.2; RFC 7301",
    title: "speaks HTTP/1.1 on the same port with clients that want it",
    needs: "h2",
    async run(lab) {
      const client = await lab.tlsClient("http/1.1");
      client.write(lab.request("GET /x"));
      demand(hasStatus(await client.until(/ok$/), "200"), "did not");
    },
  },
  refuses("RFC 9113 8.1.1", "a body that is shorter than its length", (lab) => [
    headersFrame(fieldsOf(lab, { ":method": "POST" }, [["content-length", "10"]]), false),
    dataFrame("hello", true),
  ]),
  refuses("RFC 9113 8.1.1", "a body that is longer than its length", (lab) => [
    headersFrame(fieldsOf(lab, { ":method": "POST" }, [["content-length", "3"]]), false),
    dataFrame("hello", true),
  ]),
  refusesFields("RFC 9113 8.2.2", "Transfer-Encoding", { ":method": "POST" }, [["transfer-encoding", "chunked"]]),
  refusesFields("RFC 9113 8.2.2", "Connection", {}, [["connection", "close"]]),
  refusesFields("RFC 9113 8.2.2", "TE with more than trailers", {}, [["te", "gzip"]]),
  refusesFields("RFC 9113 8.2.1", "a field's name in upper case", {}, [["Upper", "x"]]),
  refusesFields("RFC 9113 8.2.1, 10.3", "a line's end in a field", {}, [["a", "b\r\nc: d"]]),
  refusesFields("RFC 9113 8.2.1, 10.3", "a null byte in a field", {}, [["a", "b\0c"]]),
  refusesFields("RFC 9113 8.2.1, 10.3", "a colon in a field's name", {}, [["a:b", "c"]]),
  refusesFields("RFC 9113 8.2.1", "a space before a field's value", {}, [["a", " b"]]),
  refusesFields("RFC 9113 8.3.1, 10.3", "a line's end in the path", { ":path": "/x HTTP/1.1\r\na: b" }),
  refusesFields("RFC 9113 8.3.1; RFC 9110 9.1", "a space in the method", { ":method": "GET /x HTTP/1.1\r\na: b" }),
  refusesFields("RFC 9113 8.3.1", "a request without a path", { ":path": undefined }),
  refusesFields("RFC 9113 8.3.1", "a request without a method", { ":method": undefined }),
  refusesFields("RFC 9113 8.3.1", "an empty path", { ":path": "" }),
  refusesFields("RFC 9113 8.3", "a pseudo-field that is none of a request's", { ":status": "200" }),
  refusesFields("RFC 9113 8.3", "a pseudo-field twice", {}, [[":path", "/y"]]),
  refuses("RFC 9113 8.3", "a pseudo-field after an ordinary one", (lab) => [
    headersFrame([["a", "b"], ...fieldsOf(lab)], true),
  ]),
  refusesFields("RFC 9113 8.3.1; RFC 9110 7.2", "two hosts that differ", {}, [["host", "other.example"]]),
  {
    section: "RFC 9113 8.2.3",
    title: "makes one cookie of its crumbs",
    needs: "h2",
    async run(lab) {
      const crumbs = [
        ["cookie", "a=1"],
        ["cookie", "b=2"],
      ] as const;
      await ask(lab, headersFrame(fieldsOf(lab, {}, crumbs), true));
      demand(fieldOf(await lab.firstRequest(), "cookie") === "a=1; b=2", "did not");
    },
  },
  {
    section: "RFC 9113 8.2.2",
    title: "keeps fields of the upstream's connection from its answers",
    needs: "h2",
    async run(lab) {
      lab.answer = (peer) =>
        peer.write(
          "HTTP/1.1 200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        );
      const client = await ask(lab, headersFrame(fieldsOf(lab), true));
      await client.until(() => outcomeOf(client).end !== "open", "an answer");
      demand(outcomeOf(client).end === "whole" && outcomeOf(client).content === "ok", "gave another answer");
      demand(!client.text.includes("chunked"), "passed Transfer-Encoding on");
    },
  },
  {
    section: "RFC 9113 8.1; list",
    title: "carries a body without a length",
    needs: "h2",
    async run(lab) {
      await ask(
        lab,
        headersFrame(fieldsOf(lab, { ":method": "POST" }), false),
        dataFrame("hel", false),
        dataFrame("lo", true),
      );
      demand((await lab.firstRequest()).replaceAll(/\r\n(\d\r\n)?/g, "").includes("hello"), "lost it");
    },
  },
  {
    section: "RFC 9113 8.1; list",
    title: "resets the stream when the upstream dies in a body",
    needs: "h2",
    async run(lab) {
      lab.answer = (peer) => {
        peer.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
        peer.socket.end();
      };
      const client = await ask(lab, headersFrame(fieldsOf(lab), true));
      await client.until(() => outcomeOf(client).end !== "open", "an end of the stream");
      const { end, isError } = outcomeOf(client);
      demand(end !== "whole" || isError, "gave half an answer as a whole one");
    },
  },
  {
    section: "RFC 9113 5.4.2, 8.1; list",
    title: "ends the upstream's request when the client resets its stream",
    needs: "h2",
    async run(lab) {
      lab.answer = undefined;
      const client = await ask(lab, headersFrame(fieldsOf(lab), true));
      const upstream = await lab.connection();
      await upstream.until("\r\n\r\n");
      client.write(resetFrame());
      await upstream.ended();
    },
  },
  {
    section: "RFC 9113 8.5",
    title: "opens no tunnel for CONNECT",
    needs: "h2",
    async run(lab) {
      const connect = [
        [":method", "CONNECT"],
        [":authority", "127.0.0.1:22"],
      ] as const;
      const client = await ask(lab, headersFrame(connect, false));
      await client.until(() => outcomeOf(client).end !== "open" || outcomeOf(client).isError, "a refusal");
      demand(lab.connections.length === 0, "went to the upstream");
    },
  },
];
