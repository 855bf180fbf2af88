import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startHaproxy } from "./proxies/haproxy.ts";
import { startNginx } from "./proxies/nginx.ts";
import { startNodePeer } from "./proxies/node-peer.ts";
import { startOurs } from "./proxies/gateway.ts";
import type { RunningProxy, StartProxy } from "./proxies/proxy.ts";
import { KNOWN_DEVIATIONS } from "./proxy-conformance/known-deviations.ts";
import { openLaboratoryBench } from "./proxy-conformance/laboratory.ts";
import { CONFORMANCE_GROUPS, runCase, type Verdict } from "./proxy-conformance/run-conformance.ts";

// Runs the conformance suite: `npm run test:proxy [-- --proxy <name>] [--write <page>]`, or on any other proxy that runs:
// `npm run test:proxy -- --at 127.0.0.1:8080 --upstream-port 9000 [--prefix /path] [--tls-port 8443]`, which must send
// everything to 127.0.0.1 at that port. Ends with 1 when our gateway fails a case that it is not
// known to fail, or the one proxy that was asked for fails any.

const ANSWER_TIMEOUT_MS = 2_000;
const PROXIES: Record<string, StartProxy> = {
  gateway: startOurs,
  nginx: startNginx,
  haproxy: startHaproxy,
  "http-proxy-3": startNodePeer("http-proxy-3", "http-proxy-3"),
  "@fastify/http-proxy": startNodePeer("@fastify/http-proxy", "fastify-http-proxy"),
  "http-proxy-middleware": startNodePeer("http-proxy-middleware", "http-proxy-middleware"),
  "http-proxy": startNodePeer("http-proxy", "http-proxy"),
};

const { values } = parseArgs({
  options: {
    proxy: { type: "string" },
    write: { type: "string" },
    only: { type: "string" },
    at: { type: "string" },
    "upstream-port": { type: "string" },
    "tls-port": { type: "string" },
    prefix: { type: "string", default: "" },
  },
});
if (values.proxy !== undefined && PROXIES[values.proxy] === undefined) {
  console.error(`There is no proxy "${values.proxy}". There are: ${Object.keys(PROXIES).join(", ")}.`);
  process.exit(2);
}

interface Column {
  readonly name: string;
  readonly about: string;
  readonly verdicts: Map<string, Verdict>;
}

const cases = CONFORMANCE_GROUPS.flatMap(([, group]) => group).filter(
  ({ title }) => values.only === undefined || title.includes(values.only),
);
const bench = await openLaboratoryBench(values["upstream-port"] === undefined ? 0 : Number(values["upstream-port"]));
const columns: Column[] = [];
const starts = values.at !== undefined ? [runningAt(values.at)] : startsOf(values.proxy);
for (const start of starts) {
  const folder = await mkdtemp(join(tmpdir(), "aibos-proxy-"));
  let proxy: RunningProxy | null = null;
  try {
    const options = { upstreamPort: bench.upstreamPort, folder, launcher: [], answerTimeout: ANSWER_TIMEOUT_MS };
    proxy = await start(options);
    if (proxy === null) continue;
    console.log(`\n${proxy.name} ${proxy.about}`);
    const verdicts = new Map<string, Verdict>();
    for (const one of cases) {
      let verdict = await runCase(one, proxy, bench);
      if (verdict.verdict === "bad" && verdict.why.includes("does not run")) {
        await proxy.stop();
        proxy = (await start(options)) ?? proxy;
      }
      verdicts.set(one.title + one.section, verdict);
      if (verdict.verdict === "bad") console.log(`  ✘ ${one.title} (${one.section}): ${verdict.why}`);
    }
    const count = (wanted: string): number => [...verdicts.values()].filter(({ verdict }) => verdict === wanted).length;
    console.log(`  ${count("good")} of ${verdicts.size - count("none")}`);
    columns.push({ name: proxy.name, about: proxy.about, verdicts });
  } finally {
    await proxy?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
await bench.close();
if (values.write !== undefined) await writeFile(values.write, pageOf(columns));
const isOurs = values.at === undefined && (values.proxy ?? "gateway") === "gateway";
const expected = new Set(isOurs ? KNOWN_DEVIATIONS : []);
const first = columns[0]?.verdicts;
const isBad = cases.some((one) => first?.get(one.title + one.section)?.verdict === "bad" && !expected.has(one.title));
process.exit(isBad || first === undefined ? 1 : 0);

function startsOf(name: string | undefined): StartProxy[] {
  return Object.entries(PROXIES).flatMap(([known, start]) => (name === undefined || name === known ? [start] : []));
}

function runningAt(address: string): StartProxy {
  const [host = "", port = ""] = address.split(":");
  const tlsPort = values["tls-port"] === undefined ? undefined : Number(values["tls-port"]);
  return async () => ({
    name: address,
    about: "",
    host,
    port: Number(port),
    tlsPort,
    prefix: values.prefix,
    pid: 0,
    stop: async () => undefined,
  });
}

/** The page of docs/reference, as the run found things. */
function pageOf(all: readonly Column[]): string {
  const cell = (verdict: Verdict | undefined): string =>
    verdict === undefined || verdict.verdict === "none" ? "–" : verdict.verdict === "good" ? "✔" : "✘";
  const sum = (column: Column, keys: readonly string[]): string => {
    const found = keys.flatMap((key) => column.verdicts.get(key) ?? []).filter(({ verdict }) => verdict !== "none");
    return found.length === 0 ? "–" : `${found.filter(({ verdict }) => verdict === "good").length}/${found.length}`;
  };
  const row = (first: string, cells: readonly string[]): string => `| ${[first, ...cells].join(" | ")} |`;
  const rule = row(
    "---",
    all.map(() => "---"),
  );
  const lines = [
    "# Proxy conformance",
    "",
    `${cases.length} cases on what a reverse proxy must do, with raw sockets on both sides of it, each written from the section that`,
    'it names; "list" marks what this project asks for beyond the RFCs. Run with `npm run test:proxy -- --write',
    "docs/reference/proxy-conformance.md`, on any proxy with `-- --at HOST:PORT --upstream-port PORT`. ✔ is as it must be,",
    "✘ is not, – is for a protocol that the proxy does not offer. nginx and HAProxy are Debian's; how each is set is in",
    "`scripts/proxies/`. What the gateway fails is known: Node's HTTP/2 leaves such a field out, where the request should be",
    "refused; no module sees the field.",
    "",
    row(
      "",
      all.map(({ name }) => name),
    ),
    rule,
    row(
      "version",
      all.map(({ about }) => about),
    ),
    ...CONFORMANCE_GROUPS.map(([name, group]) =>
      row(
        name,
        all.map((column) =>
          sum(
            column,
            group.map((one) => one.title + one.section),
          ),
        ),
      ),
    ),
    row(
      "**all**",
      all.map((column) => `**${sum(column, [...column.verdicts.keys()])}**`),
    ),
  ];
  for (const [name, group] of CONFORMANCE_GROUPS) {
    lines.push("", `## ${name}`, "", row("a proxy…", ["section", ...all.map((column) => column.name)]));
    lines.push(row("---", ["---", ...all.map(() => "---")]));
    for (const one of group) {
      const key = one.title + one.section;
      lines.push(row(one.title, [one.section, ...all.map((column) => cell(column.verdicts.get(key)))]));
    }
  }
  return `${lines.join("\n")}\n`;
}
