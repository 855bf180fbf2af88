import fc from "fast-check";
import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { addressOf, identifyTarget } from "./request-target.ts";
import { settingsOf } from "./gateway-options.ts";

function requestTo(url: string, headers: Record<string, string> = {}): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { url, headers });
}

type Ways = Pick<ReturnType<typeof settingsOf>, "identify" | "baseHost" | "tenantHeader" | "moduleHeader">;
const ways = (part: Partial<Ways>): Ways => ({
  identify: ["path"],
  baseHost: undefined,
  tenantHeader: "x-tenant-id",
  moduleHeader: "x-module-id",
  ...part,
});
const byHost = ways({ identify: ["host"], baseHost: "apps.example" });

describe("a request's address", () => {
  test.each([
    ["/a?b", "h", { path: "/a?b", host: "h" }],
    ["//a", "h", { path: "//a", host: "h" }],
    ["http://other:80/a?b", "h", { path: "/a?b", host: "other:80" }],
    ["HTTPS://other", "h", { path: "/", host: "other" }],
    ["http://other?q", "h", { path: "/?q", host: "other" }],
    ["*", "h", undefined],
    ["", "h", undefined],
    ["host:443", "h", undefined],
    ["http:///a", "h", undefined],
    ["http://other/a#b", "h", undefined],
  ])("%j with host %j is %j", (url, host, address) => {
    expect(addressOf(requestTo(url, { host }))).toEqual(address);
  });
});

describe("a target in the path", () => {
  test.each([
    ["/t/acme/notes", { tenant: "acme", module: "notes", path: "/", prefix: "/t/acme/notes" }],
    ["/t/acme/notes/", { tenant: "acme", module: "notes", path: "/", prefix: "/t/acme/notes" }],
    ["/t/acme/notes?x=/y", { tenant: "acme", module: "notes", path: "/?x=/y", prefix: "/t/acme/notes" }],
    ["/t/a/b//c", { tenant: "a", module: "b", path: "//c", prefix: "/t/a/b" }],
    ["/t/acme", undefined],
    ["/t/acme/", undefined],
    ["/t//notes", undefined],
    ["/t/acme?/notes", undefined],
    ["/T/acme/notes", undefined],
    ["/x/t/acme/notes", undefined],
  ])("%j is %j", (url, target) => {
    expect(identifyTarget(requestTo(url), ways({}))).toEqual(target);
  });

  test("takes nothing from the request and adds nothing, whatever the path", () => {
    const segment = fc.stringMatching(/^[^/?#\s]{1,12}$/);
    fc.assert(
      fc.property(segment, segment, fc.stringMatching(/^([/?][\x21-\x7e]{0,30})?$/), (tenant, module, rest) => {
        const target = identifyTarget(requestTo(`/t/${tenant}/${module}${rest}`), ways({}));
        expect(target).toMatchObject({ tenant, module, prefix: `/t/${tenant}/${module}` });
        expect(target?.path).toBe(rest.startsWith("/") ? rest : `/${rest}`);
      }),
    );
  });

  test("names a module path that begins with a slash, and parts without one, for any request", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), fc.string({ unit: "binary-ascii" }), (url, host) => {
        for (const settings of [ways({}), byHost]) {
          const target = identifyTarget(requestTo(url, { host }), settings);
          if (target === undefined) continue;
          expect(target.path.startsWith("/")).toBe(true);
          expect(`${target.tenant}${target.module}`).not.toMatch(/[/?]/);
          expect(target.tenant.length * target.module.length).toBeGreaterThan(0);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("a target in the host", () => {
  test.each([
    ["acme.apps.example", "/notes/x", { tenant: "acme", module: "notes", path: "/x", prefix: "/notes" }],
    ["Acme.Apps.Example:8080", "/notes", { tenant: "acme", module: "notes", path: "/", prefix: "/notes" }],
    ["acme.apps.example", "/", undefined],
    ["apps.example", "/notes", undefined],
    [".apps.example", "/notes", undefined],
    ["a.b.apps.example", "/notes", undefined],
    ["acmeapps.example", "/notes", undefined],
    ["acme.apps.example.", "/notes", undefined],
    ["acme.apps.example:80:80", "/notes", undefined],
    ["", "/notes", undefined],
  ])("%j with path %j is %j", (host, url, target) => {
    expect(identifyTarget(requestTo(url, { host }), byHost)).toEqual(target);
  });
});

describe("several ways", () => {
  const headers = { host: "globex.apps.example", "x-tenant-id": "initech", "x-module-id": "crm" };

  test("are tried in the order given", () => {
    const tenantBy = (...identify: Ways["identify"][number][]): string | undefined =>
      identifyTarget(requestTo("/t/acme/notes", headers), ways({ identify, baseHost: "apps.example" }))?.tenant;
    expect(tenantBy("path", "host", "header")).toBe("acme");
    expect(tenantBy("host", "path", "header")).toBe("globex");
    expect(tenantBy("header", "path", "host")).toBe("initech");
    expect(tenantBy()).toBeUndefined();
  });

  test("by header need both of them, and leave the path alone", () => {
    const settings = ways({ identify: ["header"] });
    expect(identifyTarget(requestTo("/t/a/b?c", headers), settings)).toEqual({
      tenant: "initech",
      module: "crm",
      path: "/t/a/b?c",
      prefix: "",
    });
    expect(identifyTarget(requestTo("/", { "x-tenant-id": "initech" }), settings)).toBeUndefined();
  });
});
