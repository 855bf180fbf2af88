import { setTimeout as sleep } from "node:timers/promises";
import type { GatewayReport, RouteChange } from "@aibos/contract";
import type { RouteKey, RouteTable } from "@aibos/gateway";
import type { EngineTarget } from "../engine-target.ts";
import { writeFileWhole } from "../write-file-whole.ts";
import { backendNames, renderHaproxyConfig } from "./haproxy-config.ts";
import { haproxyFiles, type HaproxyOptions } from "./haproxy-options.ts";
import { HaproxyState } from "./haproxy-state.ts";
import { openRuntimeApi } from "./runtime-api.ts";
import type { ServerAddress } from "./version-backends.ts";

/** Changes that come close together are saved together; milliseconds. */
const SAVE_MS = 2_000;
/** A request that has read a row of the map is counted within this time, in milliseconds. */
const COUNTED_MS = 50;

/** Writes what a HAProxy starts from: its configuration and maps. They hold keys: only their owner can read them. */
export async function writeHaproxyFiles(options: HaproxyOptions, state: HaproxyState): Promise<void> {
  const files = haproxyFiles(options.folder);
  await writeFileWhole(files.routes, linesOf(state.routes));
  await writeFileWhole(files.keys, linesOf(state.keys));
  // HAProxy itself puts in what it signed, in memory.
  await writeFileWhole(files.contexts, []);
  await writeFileWhole(files.config, [renderHaproxyConfig(options, state.servers)]);
}

/**
 * A HAProxy that runs from those files and is kept in step through its runtime API, without a reload. A route is changed
 * before what it needs is taken away, and after what it needs is there.
 */
export function createHaproxyTarget(options: HaproxyOptions): EngineTarget {
  const api = openRuntimeApi(options.socket);
  const files = haproxyFiles(options.folder);
  const state = new HaproxyState(options);
  /** What HAProxy's servers were last given, by `<backend>/<server>`. */
  let given = new Map<string, string>();
  let process: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  /** A HAProxy that is started anew begins with what was saved last, and is given the rest. */
  async function save(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    await writeHaproxyFiles(options, state).catch(() => (timer ??= setTimeout(() => void save(), SAVE_MS)));
  }

  async function giveServers(backend: string, addresses: readonly ServerAddress[]): Promise<void> {
    for (let index = 0; index < options.processes; index += 1) {
      const server = `${backend}/s${index + 1}`;
      const address = addresses[index];
      const wanted = address === undefined ? "" : `${address.host} port ${address.port}`;
      if (given.get(server) === wanted) continue;
      if (address === undefined) await api.change(`set server ${server} state maint`);
      else {
        // It answers in words what it changed.
        await api.run(`set server ${server} addr ${wanted}`);
        await api.change(`set server ${server} state ready`);
        await api.change(`set server ${server} health up`);
      }
      given.set(server, wanted);
    }
  }

  async function giveRow(file: string, key: string, value: string | undefined): Promise<void> {
    if (value === undefined) {
      await api.run(`del map ${file} ${key}`);
      return;
    }
    // "set" knows only what is there, and "add" would add a second one.
    const said = await api.run(`set map ${file} ${key} ${value}`);
    if (said.includes("not found")) await api.change(`add map ${file} ${key} ${value}`);
  }

  async function processOf(): Promise<string | undefined> {
    return /^Pid: (\d+)$/m.exec(await api.run("show info"))?.[1];
  }

  return {
    async replace(table) {
      state.replace(table);
      await writeHaproxyFiles(options, state);
      const now = await processOf();
      if (now !== process) given = new Map();
      process = now;
      for (const backend of backendNames(options)) {
        const addresses = state.servers.get(backend) ?? [];
        // A HAProxy that was just started has the spare ones out of use.
        if (addresses.length > 0 || given.size > 0) await giveServers(backend, addresses);
      }
      await api.replaceMap(files.keys, state.keys);
      await api.replaceMap(files.routes, state.routes);
      await api.replaceMap(files.contexts, []);
    },

    async change(table: RouteTable, changes: readonly RouteChange[]) {
      const touched = state.change(table, changes);
      for (const address of touched.versions) {
        const backend = state.backendOf(address);
        if (backend !== undefined) await giveServers(backend, state.servers.get(backend) ?? []);
        await giveRow(files.keys, address, state.keys.get(address));
      }
      // What was signed with a key that may be another one now.
      if (touched.versions.size > 0) await api.replaceMap(files.contexts, []);
      for (const key of touched.routes) await giveRow(files.routes, key, state.routes.get(key));
      timer ??= setTimeout(() => void save(), SAVE_MS);
    },

    async draining() {
      await sleep(COUNTED_MS);
      return olderRequests(await api.run("show table in_flight data.conn_cur gt 0"), state.routes);
    },

    hasForgotten: async () => (await processOf()) !== process,

    async close() {
      if (timer !== undefined) await save();
    },
  };
}

/** Requests whose route has another generation by now, from a dump of HAProxy's table. */
function olderRequests(dump: string, routes: ReadonlyMap<RouteKey, string>): GatewayReport["draining"] {
  const older = new Map<string, number>();
  for (const [, key = "", generation, requests] of dump.matchAll(/ key=(\S+)@(\d+) .*conn_cur=(\d+)/g)) {
    const row = routes.get(key as RouteKey);
    if (row?.split("|")[1] === `${key}@${generation}`) continue;
    older.set(key, (older.get(key) ?? 0) + Number(requests));
  }
  return [...older].map(([key, requests]) => {
    const [tenant = "", module = ""] = key.split("/");
    return { tenant, module, requests };
  });
}

function* linesOf(rows: Iterable<readonly [key: string, value: string]>): Generator<string> {
  for (const [key, value] of rows) yield `${key} ${value}\n`;
}
