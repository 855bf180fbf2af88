import { parseArgs } from "node:util";
import { buildUpgradeGraph, findUpgradePath, parseModuleId, type UpgradeGraph } from "@aibos/domain";
import createGraph from "ngraph.graph";
import { aStar } from "ngraph.path";
import { spreadOf } from "../spread.ts";
import { releasesOf } from "./releases.ts";

// How long is the best way found among 2,000 releases with 50,000 direct upgrades? Our building includes parsing versions
// and ranges and testing them. The peer, ngraph.path's A* (Dijkstra without a heuristic), gets the edges as they are, and
// finds a way of the same risk. Rounds of all are interleaved, so that a slow moment of the machine hits them alike.

const { values } = parseArgs({ options: { rounds: { type: "string", default: "60" } } });
const rounds = Number(values.rounds);
const WARM_UP = 10;

const releases = releasesOf({ versions: 2_000, edges: 50_000 });
const module = parseModuleId("bench");
const first = releases[0]?.version;
const last = releases.at(-1)?.version;
if (first === undefined || last === undefined) throw new Error("there are no releases");

const published = releases.toReversed();
const ready = buildUpgradeGraph(module, published);
const peerReady = peerGraph(ready);
const path = findUpgradePath(ready, first, last);
const peerPath = peerFind(peerReady);
const edges = ready.incoming.reduce((sum, list) => sum + list.length, 0);
console.log(
  `${ready.releases.length} versions, ${edges} upgrades, ${rounds} rounds; the way: ${path.length - 1} hops, ` +
    `risk ${riskOf(path)} (peer: ${peerPath.length - 1} hops, risk ${riskOf(peerPath)})\n`,
);

const subjects = [
  { name: "build + find", work: () => findUpgradePath(buildUpgradeGraph(module, published), first, last) },
  { name: "build", work: () => buildUpgradeGraph(module, published) },
  { name: "find", work: () => findUpgradePath(ready, first, last) },
  { name: "peer: build + find", work: () => peerFind(peerGraph(ready)) },
  { name: "peer: find", work: () => peerFind(peerReady) },
];
const times = subjects.map((): number[] => []);
for (let round = -WARM_UP; round < rounds; round += 1) {
  for (const [index, { work }] of subjects.entries()) {
    const start = performance.now();
    work();
    if (round >= 0) times[index]?.push(performance.now() - start);
  }
}

const spreads = times.map(spreadOf);
console.log(`${"ms".padEnd(20)}${["median", "min", "p10", "p90"].map((name) => name.padStart(10)).join("")}`);
for (const [index, { name }] of subjects.entries()) {
  const { median, min, p10, p90 } = spreads[index] ?? spreadOf([]);
  console.log(name.padEnd(20) + [median, min, p10, p90].map((ms) => ms.toFixed(3).padStart(10)).join(""));
}
console.log(`\nours / peer, medians: build + find ${ratio(0, 3)}, find ${ratio(2, 4)}`);

function ratio(ours: number, peers: number): string {
  return ((spreads[ours]?.median ?? 0) / (spreads[peers]?.median ?? 0)).toFixed(2);
}

function peerGraph(graph: UpgradeGraph) {
  const peer = createGraph<undefined, number>();
  for (const list of graph.incoming) for (const { from, to, risk } of list) peer.addLink(from, to, risk);
  return peer;
}

function peerFind(peer: ReturnType<typeof peerGraph>): string[] {
  const finder = aStar(peer, { oriented: true, distance: (_from, _to, link) => link.data });
  const found = finder.find(ready.positions.get(first!) ?? 0, ready.positions.get(last!) ?? 0);
  return found.toReversed().map(({ id }) => ready.releases[Number(id)]?.version ?? "");
}

function riskOf(way: readonly string[]): number {
  let sum = 0;
  for (let hop = 1; hop < way.length; hop += 1) {
    const [from, to] = [way[hop - 1], way[hop]].map((version) =>
      ready.releases.findIndex((release) => release.version === version),
    );
    sum += ready.incoming[to ?? 0]?.find((edge) => edge.from === from)?.risk ?? Number.NaN;
  }
  return sum;
}
