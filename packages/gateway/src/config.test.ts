import { chmod, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { ConfigInvalidError } from "@aibos/contract";
import { readGatewayConfig } from "./config.ts";
import { NUMBER_SETTINGS } from "./number-settings.ts";
import { temporaryFolder } from "./testing/started-gateway.ts";

const NEEDED = { AIBOS_CONTROL_URL: "http://127.0.0.1:7400/", AIBOS_TOKEN: "secret" };

function problemOf(environment: NodeJS.ProcessEnv): string {
  try {
    readGatewayConfig(environment);
  } catch (error) {
    if (error instanceof ConfigInvalidError) return error.message;
    throw error;
  }
  return "none";
}

describe("a gateway's environment", () => {
  test("needs the control plane's address and token, and has defaults for the rest", () => {
    const { options, ...others } = readGatewayConfig(NEEDED);
    expect(options).toEqual({
      id: expect.stringMatching(/^[A-Za-z0-9._-]{1,64}$/) as string,
      controlUrl: "http://127.0.0.1:7400",
      token: "secret",
      host: "127.0.0.1",
      port: 7480,
      folder: resolve(".aibos/gateway"),
      trustForwarded: false,
    });
    expect(others).toEqual({ logLevel: "info", stopWithParent: false, workers: 1, worker: undefined });
  });

  test("may set everything", () => {
    const { options, ...others } = readGatewayConfig({
      AIBOS_CONTROL_URL: "https://control.example/base//",
      AIBOS_TOKEN: "secret",
      AIBOS_GATEWAY_ID: "edge-1.eu_w",
      AIBOS_GATEWAY_HOST: "0.0.0.0",
      AIBOS_GATEWAY_PORT: "0",
      AIBOS_GATEWAY_ADMIN_PORT: "65535",
      AIBOS_GATEWAY_FOLDER: "/var/lib/gateway",
      AIBOS_GATEWAY_IDENTIFY: "header, host,path",
      AIBOS_GATEWAY_BASE_HOST: "apps.example",
      AIBOS_GATEWAY_STICKY_HEADER: "X-Account",
      AIBOS_GATEWAY_TRUST_FORWARDED: "1",
      AIBOS_LOG_LEVEL: "debug",
      AIBOS_STOP_WITH_PARENT: "1",
    });
    expect(options).toEqual({
      id: "edge-1.eu_w",
      controlUrl: "https://control.example/base",
      token: "secret",
      host: "0.0.0.0",
      port: 0,
      adminPort: 65_535,
      folder: "/var/lib/gateway",
      identify: ["header", "host", "path"],
      baseHost: "apps.example",
      stickyHeader: "x-account",
      trustForwarded: true,
    });
    expect(others).toEqual({ logLevel: "debug", stopWithParent: true, workers: 1, worker: undefined });
  });

  test("may set TLS, the access log, and each limit", () => {
    const { options } = readGatewayConfig({
      ...NEEDED,
      AIBOS_GATEWAY_TLS_PORT: "8443",
      AIBOS_GATEWAY_TLS_CERT: "/etc/cert.pem",
      AIBOS_GATEWAY_TLS_KEY: "/etc/key.pem",
      AIBOS_GATEWAY_ACCESS_LOG: "/var/log/access.log",
      AIBOS_GATEWAY_ACCESS_LOG_SAMPLE: "0.25",
      AIBOS_GATEWAY_ACCESS_LOG_ADDRESSES: "whole",
      ...Object.fromEntries(NUMBER_SETTINGS.map(({ variable, unit }) => [variable, unit === "share" ? "0.5" : "2048"])),
    });
    expect(options).toMatchObject({
      tls: { port: 8443, certFile: "/etc/cert.pem", keyFile: "/etc/key.pem" },
      accessLog: { file: "/var/log/access.log", sample: 0.25, wholeAddresses: true },
      ...Object.fromEntries(NUMBER_SETTINGS.map(({ setting, unit }) => [setting, unit === "share" ? 0.5 : 2048])),
    });
  });

  test("of a worker gives it an id, a folder and an admin port of its own, and no parent to watch", () => {
    const { options, ...others } = readGatewayConfig({
      ...NEEDED,
      AIBOS_GATEWAY_ID: "x".repeat(64),
      AIBOS_GATEWAY_FOLDER: "/var/lib/gateway",
      AIBOS_GATEWAY_ADMIN_PORT: "9000",
      AIBOS_GATEWAY_WORKERS: "4",
      AIBOS_GATEWAY_WORKER: "2",
      AIBOS_STOP_WITH_PARENT: "1",
    });
    expect(options).toMatchObject({
      id: `${"x".repeat(61)}.2`,
      folder: "/var/lib/gateway/worker-2",
      adminPort: 9_002,
    });
    expect(others).toEqual({ logLevel: "info", stopWithParent: false, workers: 4, worker: 2 });
  });

  test.each([
    ["AIBOS_CONTROL_URL", "127.0.0.1:7400"],
    ["AIBOS_CONTROL_URL", "ftp://control"],
    ["AIBOS_GATEWAY_ID", "has space"],
    ["AIBOS_GATEWAY_ID", "x".repeat(65)],
    ["AIBOS_GATEWAY_PORT", "65536"],
    ["AIBOS_GATEWAY_PORT", "-1"],
    ["AIBOS_GATEWAY_PORT", "80a"],
    ["AIBOS_GATEWAY_PORT", "0x50"],
    ["AIBOS_GATEWAY_ADMIN_PORT", "1e3"],
    ["AIBOS_GATEWAY_TRUST_FORWARDED", "true"],
    ["AIBOS_GATEWAY_BASE_HOST", "apps.example:8080"],
    ["AIBOS_GATEWAY_BASE_HOST", ".apps.example"],
    ["AIBOS_GATEWAY_IDENTIFY", "path,cookie"],
    ["AIBOS_GATEWAY_IDENTIFY", "path,"],
    ["AIBOS_GATEWAY_STICKY_HEADER", "two words"],
    ["AIBOS_GATEWAY_STICKY_HEADER", "a:b"],
    ["AIBOS_GATEWAY_WORKERS", "0"],
    ["AIBOS_GATEWAY_WORKERS", "100"],
    ["AIBOS_GATEWAY_TLS_PORT", "8443"],
    ["AIBOS_GATEWAY_TLS_PORT", "x"],
    ["AIBOS_GATEWAY_ACCESS_LOG_SAMPLE", "2"],
    ["AIBOS_GATEWAY_ACCESS_LOG_ADDRESSES", "some"],
    ["AIBOS_GATEWAY_MAX_HEADER_BYTES", "100"],
    ["AIBOS_GATEWAY_ANSWER_TIMEOUT", "1s"],
    ["AIBOS_GATEWAY_ANSWER_TIMEOUT", "2147483648"],
    ["AIBOS_GATEWAY_TRACE_SAMPLE", "1.5"],
    ["AIBOS_LOG_LEVEL", "loud"],
  ])("with %s=%s is refused by that name", (name, value) => {
    const problem = problemOf({ ...NEEDED, [name]: value });
    expect(problem).toMatch(/^The gateway can't start: /);
    expect(problem).toContain(name);
    expect(problem).not.toContain(";");
  });

  test("that lacks a base host for names of hosts is refused", () => {
    expect(problemOf({ ...NEEDED, AIBOS_GATEWAY_IDENTIFY: "host" })).toContain("AIBOS_GATEWAY_BASE_HOST is needed");
  });

  test("with several faults is told all of them at once, and nothing secret", () => {
    const faults = {
      AIBOS_GATEWAY_PORT: "x",
      AIBOS_GATEWAY_IDENTIFY: "magic",
      AIBOS_LOG_LEVEL: "loud",
      AIBOS_TOKEN: "",
    };
    const problem = problemOf(faults);
    for (const name of [...Object.keys(faults), "AIBOS_CONTROL_URL"]) expect(problem).toContain(name);
    expect(problemOf({ AIBOS_TOKEN: "hush" })).not.toContain("hush");
  });

  test("may give the token in a file, without the line's end", async () => {
    const file = join(await temporaryFolder(), "token");
    await writeFile(file, "of the file\n");
    await chmod(file, 0o600);
    const url = { AIBOS_CONTROL_URL: NEEDED.AIBOS_CONTROL_URL };
    expect(readGatewayConfig({ ...url, AIBOS_TOKEN_FILE: file }).options.token).toBe("of the file");
    expect(readGatewayConfig({ ...NEEDED, AIBOS_TOKEN_FILE: file }).options.token).toBe("secret");
    expect(problemOf({ ...url, AIBOS_TOKEN_FILE: `${file}.missing` })).toContain("AIBOS_TOKEN_FILE");
    await writeFile(file, "\n");
    expect(problemOf({ ...url, AIBOS_TOKEN_FILE: file })).toContain("AIBOS_TOKEN_FILE");
  });
});
