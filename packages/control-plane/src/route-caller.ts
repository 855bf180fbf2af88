import type { z } from "zod";
import { InvalidRequestError, type Route, type RouteCaller, type RouteHandlers, ROUTES } from "@aibos/contract";

type Part = "params" | "query" | "body";
type AnyHandler = (args: Record<Part, unknown>) => Promise<unknown>;

/** The API in process: what comes in is validated by the same shapes as over HTTP. */
export function createRouteCaller(handlers: RouteHandlers): RouteCaller {
  const callers = Object.entries(ROUTES).map(([name, route]) => {
    // Each handler takes what its own route's shapes give, which the two mapped types tie together by name.
    const handler = handlers[name as keyof RouteHandlers] as AnyHandler;
    return [name, async (input: Record<Part, unknown>) => handler(validated(route, input))] as const;
  });
  return Object.fromEntries(callers) as unknown as RouteCaller;
}

function validated(route: Route, input: Record<Part, unknown>): Record<Part, unknown> {
  const parse = (part: Part): unknown => {
    const result: z.ZodSafeParseResult<unknown> = route[part].safeParse(input[part]);
    if (result.success) return result.data;
    throw new InvalidRequestError(
      result.error.issues.map((issue) => ({ path: issue.path.join("."), message: issue.message })),
    );
  };
  return { params: parse("params"), query: parse("query"), body: parse("body") };
}
