import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { readTesterToken, signTesterToken } from "./tester-token.ts";

const claims = { tenant: "acme", module: "notes", version: "2.0.0", expires: 1_000 };
const token = signTesterToken(claims, "key");

describe("a tester's token", () => {
  test("gives its claims back until it expires", () => {
    expect(readTesterToken(token, "key", 1_000)).toEqual(claims);
    expect(readTesterToken(token, "key", 1_001)).toBeUndefined();
  });

  test("of another key, and any text that is none, gives nothing", () => {
    expect(readTesterToken(token, "other key", 0)).toBeUndefined();
    const [, payload = "", signature = ""] = token.split(".");
    const forged = Buffer.from(JSON.stringify({ ...claims, version: "3.0.0" })).toString("base64url");
    for (const text of [
      "",
      "t1",
      "t1..",
      `t1.${forged}.${signature}`,
      `v1.${payload}.${signature}`,
      `t1.${payload}.${signature.slice(1)}`,
      `${token}.`,
      `t1.${"a".repeat(100_000)}.${signature}`,
    ]) {
      expect(readTesterToken(text, "key", 0)).toBeUndefined();
    }
  });

  test("is not mistaken for a tenant context that was signed with the same key", () => {
    const payload = `v1.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
    const context = `${payload}.${createHmac("sha256", "key").update(payload).digest("base64url")}`;
    expect(readTesterToken(context, "key", 0)).toBeUndefined();
  });
});
