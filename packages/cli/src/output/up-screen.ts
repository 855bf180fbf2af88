import type { PlatformAddress, PlatformEvent } from "../up/platform.ts";
import { createLiveLine } from "./live-line.ts";
import type { Output } from "./output.ts";
import { oneLine, plainText } from "./plain-text.ts";
import { durationText } from "./time-text.ts";

/** What `up` shows: how it starts, where it is reached, what happens to its programs, how it stops. */
export interface UpScreen {
  show(event: Exclude<PlatformEvent, { type: "log" }>): void;
  ready(address: PlatformAddress): void;
  log(program: string, text: string): void;
  stopping(): void;
  stopped(): void;
  end(): void;
}

export function createUpScreen(output: Output): UpScreen {
  const { colors, json } = output;
  const live = createLiveLine(output);
  const say = (text: string): void => {
    live.clear();
    if (json) output.aside(text);
    else output.line(text);
  };

  return {
    show: (event) => {
      switch (event.type) {
        case "starting":
          if (output.live) live.show(`Starting the ${event.program}`);
          else say(`Starting the ${event.program}`);
          break;
        case "ended":
          say(
            `${colors.yellow("!")} The ${event.program} ${oneLine(event.how)}; it is started again in ` +
              `${durationText(event.delayMs)} ${colors.dim(`(log: ${oneLine(event.logFile)})`)}`,
          );
          break;
        case "back":
          say(`${colors.green("✔")} The ${event.program} is back`);
          break;
        case "stopping":
          if (output.live) live.show(`Stopping the ${event.program}`);
          break;
        case "stopped":
          say(`${colors.green("✔")} The ${event.program} has stopped`);
          break;
      }
    },
    ready: (address) => {
      live.clear();
      if (json) output.document({ ...address, pid: process.pid });
      else output.line(readyText(address, output));
    },
    log: (program, text) => {
      live.clear();
      for (const line of text.split("\n")) {
        if (line !== "") output.aside(`${colors.dim(program)} ${plainText(line)}`);
      }
    },
    stopping: () => say(`Stopping. ${colors.dim("Ctrl-C again ends it at once.")}`),
    stopped: () => say("Stopped. The data stays; start it again with the same folder."),
    end: () => live.clear(),
  };
}

function readyText({ url, tenantAddress, dataFolder, tokenFile }: PlatformAddress, { colors }: Output): string {
  const rows = [
    ["API", url],
    ["API docs", `${url}/docs`],
    ["Gateway", tenantAddress],
    ["Data", dataFolder],
    ["Token", tokenFile ?? "as AIBOS_TOKEN says"],
  ];
  const lines = rows.map(([name = "", value = ""]) => `  ${colors.dim(name.padEnd(10))}${oneLine(value)}`);
  return [`${colors.green("✔")} ${colors.bold("AI-BOS Versions runs")}`, "", ...lines, "", "Ctrl-C stops it."].join(
    "\n",
  );
}
