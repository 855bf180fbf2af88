import { z } from "zod";

/**
 * One address of the API: what it takes and what it answers. The server registers it, the client calls it and the
 * OpenAPI document describes it, all from this one value.
 */
export interface Route<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  readonly method: "get" | "post" | "put" | "patch";
  /** With parameters in braces: `/v1/tenants/{tenant}`. */
  readonly path: string;
  readonly tag:
    | "Modules"
    | "Tenants"
    | "Migrations"
    | "Backups"
    | "Customisations"
    | "Fleet upgrades"
    | "Routing"
    | "Rollouts"
    | "Flags"
    | "Measurements"
    | "Platform";
  readonly summary: string;
  readonly params: Params;
  readonly query: Query;
  /** `z.undefined()` where there is none. */
  readonly body: Body;
  readonly answer: Answer;
  readonly status: 200 | 201 | 202;
}

const NOTHING = z.strictObject({});
const NO_BODY = z.undefined();

type Parts<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType, A extends z.ZodType> = {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answer: A;
  readonly status?: Route["status"];
};

/** Describes a route: `route("get /v1/tenants/{tenant}", "Tenants", "One tenant", { params, answer })`. */
export function route<
  A extends z.ZodType,
  P extends z.ZodObject = typeof NOTHING,
  Q extends z.ZodObject = typeof NOTHING,
  B extends z.ZodType = typeof NO_BODY,
>(
  address: `${Route["method"]} /${string}`,
  tag: Route["tag"],
  summary: string,
  parts: Parts<P, Q, B, A>,
): Route<P, Q, B, A> {
  const space = address.indexOf(" ");
  return {
    method: address.slice(0, space) as Route["method"],
    path: address.slice(space + 1),
    tag,
    summary,
    params: parts.params ?? (NOTHING as z.ZodObject as P),
    query: parts.query ?? (NOTHING as z.ZodObject as Q),
    body: parts.body ?? (NO_BODY as z.ZodType as B),
    answer: parts.answer,
    status: parts.status ?? 200,
  };
}

/** A route's input as a caller writes it. */
export type RouteInput<R extends Route> = {
  params: z.input<R["params"]>;
  query: z.input<R["query"]>;
  body: z.input<R["body"]>;
};

/** A route's input after validation: defaults filled in, identifiers branded. */
export type RouteArguments<R extends Route> = {
  params: z.output<R["params"]>;
  query: z.output<R["query"]>;
  body: z.output<R["body"]>;
};

export type RouteAnswer<R extends Route> = z.output<R["answer"]>;
