import { describe, expect, test } from "vitest";
import { z } from "zod";
import { PUBLISH_PATH, ROUTES, WATCH_PATH } from "@aibos/contract";
import { createHttpApp } from "./app.ts";
import { fakePlatform, TOKEN } from "./testing/fake-platform.ts";

const documentSchema = z.looseObject({
  openapi: z.string(),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({
        operationId: z.string(),
        security: z.array(z.unknown()),
        parameters: z.array(z.looseObject({ name: z.string(), in: z.string() })).optional(),
        requestBody: z.unknown().optional(),
        responses: z.record(z.string(), z.unknown()),
      }),
    ),
  ),
  components: z.looseObject({ schemas: z.record(z.string(), z.unknown()) }),
});

async function readDocument() {
  const response = await createHttpApp(fakePlatform()).request("/openapi.json");
  return documentSchema.parse(await response.json());
}

describe("the OpenAPI document", () => {
  test("is of version 3.1 and describes every route, with its parameters", async () => {
    const { openapi, paths } = await readDocument();
    expect(openapi).toBe("3.1.0");
    for (const [name, route] of Object.entries(ROUTES)) {
      const operation = paths[route.path]?.[route.method];
      expect(operation?.operationId).toBe(name);
      const parameters = operation?.parameters?.map((parameter) => parameter.name).sort() ?? [];
      const expected = [...Object.keys(route.params.shape), ...Object.keys(route.query.shape)].sort();
      expect({ name, parameters }).toEqual({ name, parameters: expected });
      expect(operation?.requestBody !== undefined).toBe(!(route.body instanceof z.ZodUndefined));
      expect(Object.keys(operation?.responses ?? {})).toContain(String(route.status));
    }
    expect(paths[PUBLISH_PATH]?.["post"]?.operationId).toBe("publish");
    expect(paths[WATCH_PATH]?.["get"]?.operationId).toBe("watchMigration");
  });

  test("has no two operations of one name, and asks for the token at each", async () => {
    const { paths } = await readDocument();
    const operations = Object.values(paths).flatMap((path) => Object.values(path));
    const names = operations.map((operation) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    expect(operations.every((operation) => operation.security.length > 0)).toBe(true);
  });

  test("resolves all of its references, and holds no secret", async () => {
    const document = await readDocument();
    const text = JSON.stringify(document);
    const names = [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1] ?? "");
    expect(names.length).toBeGreaterThan(10);
    for (const name of names) expect(document.components.schemas).toHaveProperty([name]);
    expect(text).not.toContain(TOKEN);
  });
});
