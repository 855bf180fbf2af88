import { renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A clock showed `shown` at the real time `real`, both in milliseconds since the epoch, and goes so much faster. */
export interface ClockSetting {
  readonly real: number;
  readonly shown: number;
  readonly speed: number;
}

/** The clock that programs go by which were started with its environment. */
export interface TestClock {
  readonly environment: { readonly QUICK_CLOCK: string; readonly NODE_OPTIONS: string };
  now(): number;
  /** From now on it goes so much faster than real time. */
  setSpeed(speed: number): void;
}

export function createTestClock(file: string, shown: number): TestClock {
  let setting: ClockSetting = { real: Date.now(), shown, speed: 1 };
  const now = (): number => setting.shown + (Date.now() - setting.real) * setting.speed;
  const write = (): void => {
    writeFileSync(`${file}.new`, JSON.stringify(setting));
    renameSync(`${file}.new`, file);
  };
  write();
  return {
    environment: {
      QUICK_CLOCK: file,
      NODE_OPTIONS: `--import=${fileURLToPath(new URL("quick-clock.ts", import.meta.url))}`,
    },
    now,
    setSpeed(speed) {
      setting = { real: Date.now(), shown: now(), speed };
      write();
    },
  };
}
