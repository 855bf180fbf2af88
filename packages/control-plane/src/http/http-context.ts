import type { Hono } from "hono";

/** What a request carries through the app. */
export interface HttpEnvironment {
  Variables: { requestId: string };
}

export type HttpRoutes = Hono<HttpEnvironment>;
