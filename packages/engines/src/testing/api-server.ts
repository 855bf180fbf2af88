import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { HTTPRoute } from "@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute";
import { onTestFinished } from "vitest";

type Stored = { metadata: { name: string; labels?: Record<string, string>; resourceVersion?: string }; spec: unknown };

/** What of Kubernetes' API server routes need: HTTPRoutes by name, checked against the schema that is published. */
export interface ApiServer {
  readonly url: string;
  /** By name. */
  readonly routes: Map<string, Stored>;
  /** `<method> <name>` of every write. */
  readonly writes: string[];
  /** Answers everything with this status instead. */
  status: number | undefined;
}

export async function startApiServer(namespace: string): Promise<ApiServer> {
  const base = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
  const api: ApiServer = { url: "", routes: new Map(), writes: [], status: undefined };
  let version = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url ?? "", "http://kubernetes");
      const method = request.method ?? "";
      const name = url.pathname.slice(base.length + 1);
      const answer = (status: number, body: unknown): void => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      };
      const refuse = (status: number, message: string): void =>
        answer(status, { kind: "Status", apiVersion: "v1", status: "Failure", code: status, message });
      const store = (route: Stored): Stored => {
        version += 1;
        const stored = { ...route, metadata: { ...route.metadata, resourceVersion: String(version) } };
        api.routes.set(route.metadata.name, stored);
        return stored;
      };
      if (api.status !== undefined) return refuse(api.status, "as the test wants it");
      if (!url.pathname.startsWith(base)) return refuse(404, "no such path");
      const body: unknown = ["POST", "PUT"].includes(method) ? await new Response(request).json() : undefined;
      if (body !== undefined) {
        try {
          new HTTPRoute(body as ConstructorParameters<typeof HTTPRoute>[0]).validate();
        } catch (error) {
          return refuse(422, String(error));
        }
        api.writes.push(`${method} ${(body as Stored).metadata.name}`);
      }
      const route = api.routes.get(name);
      if (method === "GET" && name === "") {
        const [key = "", value = ""] = (url.searchParams.get("labelSelector") ?? "").split("=");
        const all = [...api.routes.values()].filter(({ metadata }) => metadata.labels?.[key] === value);
        const start = Number(url.searchParams.get("continue") ?? 0);
        // Fewer than were asked for, as a server may.
        const items = all.slice(start, start + 2);
        const next = start + 2 < all.length ? String(start + 2) : "";
        return answer(200, { kind: "HTTPRouteList", metadata: { continue: next }, items });
      }
      if (method === "POST") {
        const posted = body as Stored;
        if (api.routes.has(posted.metadata.name)) return refuse(409, "already exists");
        return answer(201, store(posted));
      }
      if (route === undefined) return refuse(404, "not found");
      if (method === "GET") return answer(200, route);
      if (method === "DELETE") {
        api.writes.push(`DELETE ${name}`);
        api.routes.delete(name);
        return answer(200, { kind: "Status", status: "Success" });
      }
      const put = body as Stored;
      if (put.metadata.resourceVersion !== route.metadata.resourceVersion) return refuse(409, "it was changed");
      return answer(200, store(put));
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return Object.assign(api, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}
