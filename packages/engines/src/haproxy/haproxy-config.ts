import {
  TENANT_CONTEXT_TTL_SECONDS,
  TESTER_TOKEN_COOKIE,
  TESTER_TOKEN_HEADER,
  MET_FLAGS_HEADER,
} from "@aibos/contract";
import { haproxyFiles, type HaproxyOptions, MOST_CHOICES } from "./haproxy-options.ts";
import type { ServerAddress } from "./version-backends.ts";

/**
 * HAProxy's configuration, for 2.6 or newer. It never changes with the routes: those are in the maps, and versions'
 * addresses in spare backends; both are changed through the runtime API.
 *
 * HAProxy does by itself what a gateway does for a route with weights alone: it finds tenant and module in the path,
 * computes the user's slot with its own `xxh32`, chooses the version, and signs the tenant context for it with its own
 * `hmac`. What it can't do (rules, testers, mirrors, holds, kept versions) it hands to a gateway.
 *
 * @param addresses the processes of each spare backend, by its name
 */
export function renderHaproxyConfig(
  options: HaproxyOptions,
  addresses: ReadonlyMap<string, readonly ServerAddress[]>,
): string {
  const { bind, folder, socket, gateways } = options;
  return `# Written by aibos-versions. Changes to this file are lost.
global
  stats socket ${socket} mode 600 level admin
  stats timeout 1h
  tune.bufsize 32768
  tune.maxrewrite 8192

defaults
  mode http
  timeout connect 5s
  timeout client 65s
  timeout server 60s
  timeout tunnel 1h
  timeout http-request 15s
  timeout http-keep-alive 65s
  option redispatch
  retries 2
  ${problem("http-error", 502, "AIBOS_GATEWAY_UPSTREAM_FAILED", "The module could not be reached, or broke off.")}
  ${problem("http-error", 503, "AIBOS_GATEWAY_NO_UPSTREAM", NO_UPSTREAM)}
  ${problem("http-error", 504, "AIBOS_GATEWAY_UPSTREAM_TIMEOUT", "The module did not answer in time.")}

# Requests under way by route and generation.
backend in_flight
  stick-table type string len 300 size 200k expire 1h store conn_cur

frontend users
  bind ${bind}
${requestRules(options, haproxyFiles(folder))
  .map((rule) => `  ${rule}\n`)
  .join("")}
backend gateways
${gateways.map((address, index) => `  server g${index + 1} ${address} check\n`).join("")}
${backendNames(options)
  .map((name) => renderBackend(name, addresses.get(name) ?? [], options.processes))
  .join("\n")}`;
}

const NO_UPSTREAM = "No process of this module's version is healthy at the moment. Try again shortly.";

/** The spare backends, one for a module version. */
export function backendNames({ versions }: HaproxyOptions): string[] {
  return Array.from({ length: versions }, (_, index) => `v${index + 1}`);
}

/** A server that is not in use has an address at which nobody is. */
function renderBackend(name: string, addresses: readonly ServerAddress[], processes: number): string {
  const servers = Array.from({ length: processes }, (_, index) => {
    const address = addresses[index];
    const where = address === undefined ? "127.0.0.1:9" : `${address.host}:${address.port}`;
    return `  server s${index + 1} ${where} ${CHECKS}${address === undefined ? " disabled" : ""}\n`;
  });
  return `backend ${name}\n  balance roundrobin\n${servers.join("")}`;
}

/** Active checks, ejection after errors of real requests, and a slow start after each. */
const CHECKS = "check inter 2s fall 2 rise 2 slowstart 10s observe layer4 error-limit 5 on-error mark-down";

function requestRules(options: HaproxyOptions, files: ReturnType<typeof haproxyFiles>): string[] {
  const { stickyHeader, stickyCookie } = options;
  const set = (name: string, value: string, condition = ""): string =>
    `http-request set-var(txn.${name}) ${value}${condition === "" ? "" : ` ${condition}`}`;
  // Who has a tester's token is a gateway's: it knows the key.
  const byHeader = `{ req.fhdr(${TESTER_TOKEN_HEADER}) -m found }`;
  const byCookie = `{ req.cook(${TESTER_TOKEN_COOKIE}) -m found }`;
  const own = "{ var(txn.own) -m bool }";
  const unnamed = "if !{ var(txn.user) -m found }";
  return [
    set("tenant", "path,field(3,/)", "if { path_beg /t/ }"),
    set("module", "path,field(4,/)", "if { path_beg /t/ }"),
    set("route", "var(txn.tenant),concat(/,txn.module)"),
    set("row", `var(txn.route),map_str(${files.routes})`),
    `${problem("http-request return", 404, "AIBOS_GATEWAY_ROUTE_UNKNOWN", "No tenant's module is known at this address. Check the tenant and the module in it.")} if !{ var(txn.row) -m found }`,
    `${problem("http-request return", 403, "AIBOS_GATEWAY_TENANT_SUSPENDED", "This tenant's use of the module is suspended. Ask the operator of the platform.")} if { var(txn.row) -m str s }`,
    set("own", "bool(true)", `if !{ var(txn.row) -m str g } !${byHeader} !${byCookie}`),
    set("generation", "var(txn.row),field(2,|)"),
    set("counted", "var(txn.route),concat(@,txn.generation)"),
    `http-request track-sc0 var(txn.counted) table in_flight if ${own}`,
    set("user", `req.fhdr(${stickyHeader})`, `if { req.fhdr(${stickyHeader}) -m len gt 0 }`),
    set("user", `req.cook(${stickyCookie})`, `${unnamed} { req.cook(${stickyCookie}) -m reg ^[A-Za-z0-9_-]{8,64}$ }`),
    `http-request set-var-fmt(txn.newcomer) h%[uuid()] ${unnamed}`,
    set("user", "var(txn.newcomer)", unnamed),
    set("slot", "var(txn.route),concat(/,txn.user),xxh32(0),mod(10000)"),
    set("versions", "var(txn.row),field(4,|)"),
    ...Array.from({ length: MOST_CHOICES }, (_, index) => [
      set("cell", `var(txn.versions),field(${index + 1},:)`, "if !{ var(txn.pick) -m found }"),
      set("end", "var(txn.cell),field(2,=)", "if !{ var(txn.pick) -m found }"),
      set("pick", "var(txn.cell)", "if !{ var(txn.pick) -m found } { var(txn.slot),sub(txn.end) -m int lt 0 }"),
    ]).flat(),
    set("version", "var(txn.pick),field(1,=)"),
    set("schema", "var(txn.pick),field(3,=)"),
    set("views", "var(txn.pick),field(4,=)"),
    set("data", "var(txn.pick),field(5,=)"),
    set("role", "var(txn.row),field(3,|)"),
    set("address", "var(txn.module),concat(@,txn.version)"),
    set("key", `var(txn.address),map_str(${files.keys})`),
    set("backend", `var(txn.address),map_str(${files.versions})`),
    `http-request set-var-fmt(txn.context) '{"tenant":"%[var(txn.tenant)]","module":"%[var(txn.module)]","version":"%[var(txn.version)]","schema":"%[var(txn.schema)]","views":"%[var(txn.views)]","dataVersion":"%[var(txn.data)]","role":"%[var(txn.role)]","expires":%[date(${TENANT_CONTEXT_TTL_SECONDS})]}'`,
    set("encoded", "var(txn.context),ub64enc"),
    set("payload", "str(v1.),concat(,txn.encoded)"),
    set("signature", "var(txn.payload),hmac(sha256,txn.key),ub64enc"),
    // What the module gets: nothing of the platform's own names from outside, in any spelling.
    `http-request del-header ^[xX][-_][aA][iI][bB][oO][sS][-_] -m reg if ${own}`,
    `http-request set-header x-aibos-context %[var(txn.payload)].%[var(txn.signature)] if ${own}`,
    `http-request del-header forwarded if ${own}`,
    "http-request set-header x-forwarded-for %[src]",
    "http-request set-header x-forwarded-proto %[ssl_fc,iif(https,http)]",
    "http-request set-header x-forwarded-host %[req.hdr(host)]",
    `http-request set-header x-forwarded-prefix /t/%[var(txn.route)] if ${own}`,
    "http-request set-header x-request-id %[uuid()] if !{ req.fhdr(x-request-id) -m reg ^[A-Za-z0-9._-]{1,128}$ }",
    "http-request set-var-fmt(txn.request) %[req.fhdr(x-request-id)]",
    `http-request replace-path ^/t/[^/]+/[^/]+/?(.*)$ /\\1 if ${own}`,
    "http-response set-header x-request-id %[var(txn.request)]",
    `http-response set-header x-aibos-version %[var(txn.version)] if ${own}`,
    `http-response del-header ${MET_FLAGS_HEADER}`,
    `http-response add-header set-cookie "${stickyCookie}=%[var(txn.newcomer)]; Path=/; HttpOnly; SameSite=Lax" if { var(txn.newcomer) -m found } ${own} { var(txn.versions),field(2,:) -m len gt 0 }`,
    `${problem("http-request return", 503, "AIBOS_GATEWAY_NO_UPSTREAM", NO_UPSTREAM)} if ${own} !{ var(txn.backend) -m found }`,
    `use_backend gateways if !${own}`,
    "use_backend %[var(txn.backend)]",
  ];
}

/** An answer of HAProxy's own, as a gateway gives it (RFC 9457), as an argument list. */
function problem(directive: string, status: number, code: string, detail: string): string {
  const body = JSON.stringify({ type: "about:blank", status, detail, code }).replaceAll("'", "\\u0027");
  const retry = status === 503 ? " hdr retry-after 1" : "";
  return `${directive} status ${status} content-type application/problem+json string '${body}' hdr cache-control no-store${retry}`;
}
