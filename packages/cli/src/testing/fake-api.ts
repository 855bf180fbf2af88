import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** What a fake server answers to one address. */
export interface FakeAnswer {
  readonly status?: number;
  readonly body?: unknown;
  /** Newline-delimited JSON instead of a body, line by line. */
  readonly lines?: readonly unknown[];
  /** Leaves the connection open after the lines. */
  readonly open?: boolean;
}

export interface FakeCall {
  readonly address: string;
  readonly query: Record<string, string>;
  readonly body: unknown;
}

export interface FakeApi extends AsyncDisposable {
  readonly url: string;
  readonly calls: FakeCall[];
}

export const FAKE_TOKEN = "a-token-for-the-fake-api";

/** A real HTTP server with answers by address, such as `GET /v1/tenants`. Anything else is 404, a wrong token 401. */
export async function startFakeApi(
  answers: Readonly<Record<string, FakeAnswer | ((call: FakeCall) => FakeAnswer)>>,
): Promise<FakeApi> {
  const calls: FakeCall[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? "/", "http://fake");
      const body = await bodyOf(request);
      const call = { address: `${request.method} ${url.pathname}`, query: Object.fromEntries(url.searchParams), body };
      calls.push(call);
      const found = answers[call.address];
      const answer =
        request.headers.authorization !== `Bearer ${FAKE_TOKEN}`
          ? problem(401, "AIBOS_UNAUTHORIZED", "The token is not the right one.")
          : typeof found === "function"
            ? found(call)
            : (found ?? problem(404, "AIBOS_ROUTE_NOT_FOUND", `The API has no ${call.address}.`));
      response.writeHead(answer.status ?? 200, { "content-type": "application/json" });
      for (const line of answer.lines ?? []) response.write(`${JSON.stringify(line)}\n`);
      if (answer.open === true) return;
      response.end(answer.lines === undefined ? JSON.stringify(answer.body) : undefined);
    })();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A problem+json answer. */
export function problem(
  status: number,
  code: string,
  detail: string,
  fields: Record<string, unknown> = {},
): FakeAnswer {
  return { status, body: { type: "about:blank", title: code, status, detail, code, requestId: "req-1", ...fields } };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const bytes = Buffer.concat(chunks);
  if (bytes.length === 0) return undefined;
  return request.headers["content-type"] === "application/json" ? JSON.parse(bytes.toString("utf8")) : bytes;
}
