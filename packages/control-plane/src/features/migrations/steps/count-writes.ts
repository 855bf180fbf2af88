import { carryWrites, rebaseWrites } from "../../rollback-points/counted-writes.ts";
import type { StepKind } from "../migration-step.ts";

/**
 * Counts what users wrote since each rollback point, before the operation's own writes would be taken for theirs. When
 * it is undone, the data may have been restored in the transaction before: counting goes on from what is there now.
 */
export const countWrites: StepKind<object> = {
  name: "count-writes",
  title: () => "count the writes since earlier rollback points",
  async inside(tx, run) {
    await carryWrites(tx, run);
    return {};
  },
  async undoInside(tx, run) {
    await rebaseWrites(tx, run);
  },
};
