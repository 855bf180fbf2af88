import {
  ARCHIVE_LIMIT_BYTES,
  InvalidRequestError,
  PUBLISH_PATH,
  type Published,
  publishedSchema,
} from "@aibos/contract";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { HttpEnvironment } from "./http-context.ts";
import { problemAnswers, SECURITY } from "./openapi-parts.ts";
import { readBody } from "./request-body.ts";

const CONTENT = { "application/json": { schema: publishedSchema } };

/** Publishing: the one route whose body is not JSON. */
export function addPublishRoute(
  app: OpenAPIHono<HttpEnvironment>,
  publish: (archive: Buffer) => Promise<Published>,
): void {
  app.openAPIRegistry.registerPath(
    createRoute({
      operationId: "publish",
      method: "post",
      path: PUBLISH_PATH,
      tags: ["Modules"],
      summary: "Publishes a packed module version; the same content again changes nothing",
      security: SECURITY,
      request: {
        body: {
          required: true,
          content: { "application/gzip": { schema: z.string().meta({ format: "binary" }) } },
        },
      },
      responses: {
        201: { description: "It is published", content: CONTENT },
        200: { description: "The same content was there already", content: CONTENT },
        ...problemAnswers(400, 401, 409, 413, 422, 500),
      },
    }),
  );
  app.post(PUBLISH_PATH, async (c) => {
    if (!/^application\/(gzip|octet-stream)\s*(;|$)/i.test(c.req.header("content-type") ?? "")) {
      const message = 'send the archive as it is, with "content-type: application/gzip"';
      throw new InvalidRequestError([{ path: "", message }]);
    }
    const published = await publish(await readBody(c.req.raw, ARCHIVE_LIMIT_BYTES));
    return c.json(published, published.created ? 201 : 200);
  });
}
