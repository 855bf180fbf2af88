import type { FleetUpgrade } from "@aibos/contract";
import { batchText, failureText, progressLine } from "./fleet-text.ts";
import type { Output } from "./output.ts";
import { oneLine } from "./plain-text.ts";

/** Shows a fleet upgrade while it goes on: what ended, a line each, and below them one that moves. */
export interface FleetView {
  update(fleet: FleetUpgrade): void;
  end(): void;
}

export function createFleetView(output: Output): FleetView {
  const { colors } = output;
  const told = new Set<string>();
  let reason = "";

  const line = (key: string, text: string): void => {
    if (told.has(key)) return;
    told.add(key);
    output.overwrite("");
    output.line(text);
  };

  return {
    update(fleet) {
      for (const member of fleet.failures.toReversed()) {
        line(`${member.status} ${member.tenant}`, failureText(member, colors));
      }
      for (const batch of fleet.recentBatches.toReversed()) {
        // One that has open tenants when the next one is at work has put them off.
        if (batch.batch < fleet.batch || batch.open === 0) line(`batch ${batch.batch}`, batchText(batch, colors));
      }
      if (fleet.reason !== reason) line(`reason ${fleet.reason}`, colors.dim(oneLine(fleet.reason)));
      ({ reason } = fleet);
      if (output.live) output.overwrite(progressLine(fleet, colors, output.columns));
    },
    end: () => output.overwrite(""),
  };
}
