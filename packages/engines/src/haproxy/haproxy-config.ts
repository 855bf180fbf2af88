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

/**
 * What HAProxy does with each request. It is run for each of them: what only some need is behind a condition, and what
 * takes long, a signature above all, is kept for some seconds.
 */
function requestRules(options: HaproxyOptions, files: ReturnType<typeof haproxyFiles>): string[] {
  const { stickyHeader, stickyCookie } = options;
  const set = (name: string, value: string, condition = ""): string =>
    `http-request set-var(txn.${name}) ${value}${condition === "" ? "" : ` ${condition}`}`;
  // Who has a tester's token is a gateway's: it knows the key.
  const byHeader = `{ req.fhdr(${TESTER_TOKEN_HEADER}) -m found }`;
  const byCookie = `{ req.cook(${TESTER_TOKEN_COOKIE}) -m found }`;
  const own = "{ var(txn.own) -m bool }";
  const several = "{ var(txn.row) -m beg 2 3 }";
  const unnamed = `if !{ var(txn.user) -m found } ${several}`;
  const unsigned = `if !{ var(txn.context) -m found } ${own}`;
  return [
    set("route", "path,field(3,/,2)", "if { path_beg /t/ }"),
    set("row", `var(txn.route),map_str(${files.routes})`),
    `${problem("http-request return", 404, "AIBOS_GATEWAY_ROUTE_UNKNOWN", "No tenant's module is known at this address. Check the tenant and the module in it.")} if !{ var(txn.row) -m found }`,
    `${problem("http-request return", 403, "AIBOS_GATEWAY_TENANT_SUSPENDED", "This tenant's use of the module is suspended. Ask the operator of the platform.")} if { var(txn.row) -m str s }`,
    set("own", "bool(true)", `if { var(txn.row) -m beg 1 2 3 } !${byHeader} !${byCookie}`),
    set("counted", "var(txn.row),field(2,|)", `if ${own}`),
    `http-request track-sc0 var(txn.counted) table in_flight if ${own}`,
    set("user", `req.fhdr(${stickyHeader})`, `if ${several} { req.fhdr(${stickyHeader}) -m len gt 0 }`),
    set("user", `req.cook(${stickyCookie})`, `${unnamed} { req.cook(${stickyCookie}) -m reg ^[A-Za-z0-9_-]{8,64}$ }`),
    `http-request set-var-fmt(txn.newcomer) h%[uuid()] ${unnamed}`,
    set("user", "var(txn.newcomer)", unnamed),
    ...choiceRules(set, several),
    set("version", "var(txn.pick),field(1,=)"),
    ...keptContextRules(set, files),
    ...signatureRules(set, files, unsigned),
    // What the module gets: nothing of the platform's own names from outside, in any spelling.
    ...["x-aibos-", "x_aibos_", "x-aibos_", "x_aibos-"].map(
      (prefix) => `http-request del-header ${prefix} -m beg if ${own}`,
    ),
    `http-request set-header x-aibos-context %[var(txn.context)] if ${own}`,
    `http-request del-header forwarded if ${own}`,
    "http-request set-header x-forwarded-for %[src]",
    "http-request set-header x-forwarded-proto %[ssl_fc,iif(https,http)]",
    "http-request set-header x-forwarded-host %[req.hdr(host)]",
    `http-request set-header x-forwarded-prefix /t/%[var(txn.route)] if ${own}`,
    "http-request set-header x-request-id %[uuid()] if !{ req.fhdr(x-request-id) -m reg ^[A-Za-z0-9._-]{1,128}$ }",
    set("request", "req.fhdr(x-request-id)"),
    `http-request set-path /%[path,field(5,/,0)] if ${own}`,
    `http-response del-header ${MET_FLAGS_HEADER}`,
    "http-response set-header x-request-id %[var(txn.request)]",
    `http-response set-header x-aibos-version %[var(txn.version)] if ${own}`,
    `http-response add-header set-cookie "${stickyCookie}=%[var(txn.newcomer)]; Path=/; HttpOnly; SameSite=Lax" if { var(txn.newcomer) -m found } ${own}`,
    `use_backend gateways if !${own}`,
    "use_backend %[var(txn.pick),field(6,=)]",
  ];
}

type Set = (name: string, value: string, condition?: string) => string;

/** The first version whose slots end above the user's: each that ends at it or below gives way to the next one. */
function choiceRules(set: Set, several: string): string[] {
  const more = "{ var(txn.row) -m beg 3 }";
  return [
    set("slot", "var(txn.route),concat(/,txn.user),xxh32(0),mod(10000)", `if ${several}`),
    set("versions", "var(txn.row),field(4,|)"),
    set("pick", "var(txn.versions),field(1,:)"),
    ...Array.from({ length: MOST_CHOICES - 1 }, (_, index) => {
      const isPast = `{ var(txn.versions),field(${index + 1},:),field(2,=),sub(txn.slot) -m int le 0 }`;
      return set("pick", `var(txn.versions),field(${index + 2},:)`, `if ${index === 0 ? several : more} ${isPast}`);
    }),
  ];
}

/** For so many seconds a signature is used again, as long as its route is the same. */
const KEPT_SECONDS = 5;

/** A context that was signed for the same change of the route not long ago. */
function keptContextRules(set: Set, files: ReturnType<typeof haproxyFiles>): string[] {
  return [
    set("period", `date,div(${KEPT_SECONDS})`),
    set("stamp", "var(txn.counted),concat(/,txn.period)"),
    set("kept", `var(txn.route),concat(@,txn.version),map_str(${files.contexts})`),
    set("context", "var(txn.kept),field(2,|)", "if { var(txn.kept),field(1,|),strcmp(txn.stamp) -m int eq 0 }"),
  ];
}

function signatureRules(set: Set, files: ReturnType<typeof haproxyFiles>, unsigned: string): string[] {
  return [
    set("tenant", "path,field(3,/)", unsigned),
    set("module", "path,field(4,/)", unsigned),
    set("schema", "var(txn.pick),field(3,=)", unsigned),
    set("views", "var(txn.pick),field(4,=)", unsigned),
    set("data", "var(txn.pick),field(5,=)", unsigned),
    set("role", "var(txn.row),field(3,|)", unsigned),
    set("key", `var(txn.module),concat(@,txn.version),map_str(${files.keys})`, unsigned),
    `http-request set-var-fmt(txn.text) '{"tenant":"%[var(txn.tenant)]","module":"%[var(txn.module)]","version":"%[var(txn.version)]","schema":"%[var(txn.schema)]","views":"%[var(txn.views)]","dataVersion":"%[var(txn.data)]","role":"%[var(txn.role)]","expires":%[date(${TENANT_CONTEXT_TTL_SECONDS})]}' ${unsigned}`,
    set("encoded", "var(txn.text),ub64enc", unsigned),
    set("payload", "str(v1.),concat(,txn.encoded)", unsigned),
    set("signature", "var(txn.payload),hmac(sha256,txn.key),ub64enc", unsigned),
    set("fresh", "var(txn.payload),concat(.,txn.signature)", unsigned),
    `http-request set-map(${files.contexts}) %[var(txn.route)]@%[var(txn.version)] %[var(txn.stamp)]|%[var(txn.fresh)] ${unsigned}`,
    set("context", "var(txn.fresh)", unsigned),
  ];
}

/** An answer of HAProxy's own, as a gateway gives it (RFC 9457), as an argument list. */
function problem(directive: string, status: number, code: string, detail: string): string {
  const body = JSON.stringify({ type: "about:blank", status, detail, code }).replaceAll("'", "\\u0027");
  const retry = status === 503 ? " hdr retry-after 1" : "";
  return `${directive} status ${status} content-type application/problem+json string '${body}' hdr cache-control no-store${retry}`;
}
