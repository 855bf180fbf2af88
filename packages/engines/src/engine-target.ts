import type { GatewayReport, RouteChange } from "@aibos/contract";
import type { RouteTable } from "@aibos/gateway";

/** A traffic engine that is kept in step with the route table. Calls come one after the other. */
export interface EngineTarget {
  /** Brings the engine to the whole table. @throws EngineError */
  replace(table: RouteTable): Promise<void>;
  /** Brings the engine from the table before these changes to the table as it is. @throws EngineError */
  change(table: RouteTable, changes: readonly RouteChange[]): Promise<void>;
  /** The routes on which requests that began before their newest change may be under way. @throws EngineError */
  draining(): Promise<GatewayReport["draining"]>;
  /** Whether the engine lost what it was given, as one does that was started anew. @throws EngineError */
  hasForgotten(): Promise<boolean>;
  /** Keeps what is still to be kept. */
  close(): Promise<void>;
}
