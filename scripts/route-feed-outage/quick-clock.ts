import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import timersPromises from "node:timers/promises";
import type { ClockSetting } from "./test-clock.ts";

// Loaded before a program (`node --import`): its clock and timers go as the file in QUICK_CLOCK says, from now on and
// at every change of the file. What was set to wait before goes on as it was. Timers of Node's own sockets are not meant.

const LOOK_MS = 20;
const file = process.env["QUICK_CLOCK"] ?? "";
const now = Date.now;
const { setTimeout, setInterval } = globalThis;
const sleep = timersPromises.setTimeout;

let setting = read();

function read(): ClockSetting {
  return JSON.parse(readFileSync(file, "utf8")) as ClockSetting;
}

setInterval(() => {
  try {
    setting = read();
  } catch {
    // It is being replaced: what it says is read the next time.
  }
}, LOOK_MS).unref();

Date.now = () => setting.shown + (now() - setting.real) * setting.speed;
const scaled = (ms: number | undefined): number => (ms ?? 0) / setting.speed;
globalThis.setTimeout = Object.assign(
  (work: (...values: unknown[]) => void, ms?: number, ...values: unknown[]) => setTimeout(work, scaled(ms), ...values),
  setTimeout,
);
globalThis.setInterval = Object.assign(
  (work: (...values: unknown[]) => void, ms?: number, ...values: unknown[]) => setInterval(work, scaled(ms), ...values),
  setInterval,
);
timersPromises.setTimeout = Object.assign(
  <T>(ms?: number, value?: T, options?: { signal?: AbortSignal }) => sleep(scaled(ms), value, options),
  sleep,
);
syncBuiltinESMExports();
