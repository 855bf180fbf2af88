import { expect, test } from "vitest";
import { readModuleConfig } from "./config.ts";

const ENVIRONMENT = {
  PORT: "4010",
  AIBOS_DATABASE_URL: "postgres://v@127.0.0.1/data",
  AIBOS_CONTEXT_KEY: "key",
  AIBOS_MODULE: "notes",
  AIBOS_VERSION: "1.0.0",
};

test("the platform's variables become the module's configuration", () => {
  expect(readModuleConfig(ENVIRONMENT)).toEqual({
    port: 4010,
    databaseUrl: "postgres://v@127.0.0.1/data",
    contextKey: "key",
    module: "notes",
    version: "1.0.0",
  });
});

test("all missing variables are named at once", () => {
  expect(() => readModuleConfig({ PORT: "4010", AIBOS_MODULE: "notes", AIBOS_CONTEXT_KEY: "" })).toThrow(
    "needs AIBOS_DATABASE_URL, AIBOS_CONTEXT_KEY, AIBOS_VERSION in its environment",
  );
});

test.each(["http", "-1", "65536", "1.5"])("the port %s is refused", (port) => {
  expect(() => readModuleConfig({ ...ENVIRONMENT, PORT: port })).toThrow("PORT must be a TCP port");
});
