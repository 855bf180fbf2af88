import type { FleetUpgrade, MultiVersionService } from "@aibos/contract";
import { EXIT } from "../exit-codes.ts";
import { fleetText } from "../output/fleet-text.ts";
import { createFleetView } from "../output/fleet-view.ts";
import { oneLine } from "../output/plain-text.ts";
import type { CommandContext } from "./command-context.ts";

/**
 * Shows a fleet upgrade until it has ended or halted, then how it stands. Ctrl-C ends the showing alone: the fleet
 * upgrade runs in the server, which goes on.
 */
export async function followFleet(
  context: CommandContext,
  client: MultiVersionService,
  started: FleetUpgrade,
): Promise<void> {
  const { output } = context;
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once("SIGINT", onInterrupt);
  const view = createFleetView(output);
  let last = started;
  try {
    view.update(started);
    for await (const fleet of client.watchFleetUpgrade(started.id, interrupt.signal)) {
      last = fleet;
      view.update(fleet);
    }
  } catch (error) {
    view.end();
    output.aside(`The fleet upgrade goes on, or will when the server is back. ${howToRejoin(last)}`);
    throw error;
  } finally {
    view.end();
    process.off("SIGINT", onInterrupt);
  }
  if (last.finishedAt === null && interrupt.signal.aborted) {
    output.line(`The fleet upgrade goes on. ${howToRejoin(last)}`);
    if (output.json) output.document(last);
    return context.endWith(EXIT.interrupted);
  }
  return showFleet(context, last);
}

/** Everything about one. The exit code is 1 when it halted, or for somebody who failed. */
export async function showFleet({ output, endWith }: CommandContext, fleet: FleetUpgrade): Promise<void> {
  await output.answer(fleet, () => fleetText(fleet, output.colors));
  const { counts } = fleet;
  if (fleet.status === "halted" || (counts["failed"] ?? 0) + (counts["kept"] ?? 0) > 0) endWith(EXIT.failed);
}

function howToRejoin({ id }: FleetUpgrade): string {
  return `Rejoin it with: aibos-versions fleet-upgrade status ${oneLine(id)} --watch`;
}
