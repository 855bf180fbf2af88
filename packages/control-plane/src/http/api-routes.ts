import { type Route, type RouteHandlers, ROUTES } from "@aibos/contract";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { HttpEnvironment } from "./http-context.ts";
import { problemAnswers, SECURITY } from "./openapi-parts.ts";
import { JSON_LIMIT_BYTES, readJson } from "./request-body.ts";
import { parseInput, readQuery } from "./route-input.ts";

type AnyHandler = (args: Record<"params" | "query" | "body", unknown>) => Promise<unknown>;

/** Serves every route of the contract, and describes it for the OpenAPI document. */
export function addApiRoutes(app: OpenAPIHono<HttpEnvironment>, handlers: RouteHandlers): void {
  for (const [name, route] of Object.entries<Route>(ROUTES)) {
    // Each handler takes what its own route's shapes give, which the contract's mapped types tie together by name.
    const handler = handlers[name as keyof RouteHandlers] as AnyHandler;
    const hasBody = !(route.body instanceof z.ZodUndefined);
    app.openAPIRegistry.registerPath(describeRoute(name, route, hasBody));
    app.on(route.method.toUpperCase(), honoPath(route.path), async (c) => {
      const answer = await handler({
        params: parseInput(route.params, c.req.param()),
        query: parseInput(route.query, readQuery(c.req.url)),
        body: hasBody ? parseInput(route.body, await readJson(c.req.raw, JSON_LIMIT_BYTES)) : undefined,
      });
      return c.json(answer, route.status);
    });
  }
}

/** `/v1/tenants/{tenant}` as the router writes it: `/v1/tenants/:tenant`. */
export function honoPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

function describeRoute(name: string, route: Route, hasBody: boolean) {
  return createRoute({
    operationId: name,
    method: route.method,
    path: route.path,
    tags: [route.tag],
    summary: route.summary,
    security: SECURITY,
    request: {
      params: route.params,
      query: route.query,
      ...(hasBody ? { body: { required: true, content: { "application/json": { schema: route.body } } } } : {}),
    },
    responses: {
      [route.status]: { description: route.summary, content: { "application/json": { schema: route.answer } } },
      ...problemAnswers(400, 401, ...(Object.keys(route.params.shape).length > 0 ? [404] : []), 409, 500),
    },
  });
}
