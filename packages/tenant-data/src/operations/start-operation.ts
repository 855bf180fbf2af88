import type { Operation } from "./operation.ts";
import type { StartContext } from "./start-context.ts";
import { startAddColumn } from "./add-column.ts";
import { startAlterColumn } from "./alter-column.ts";
import { startCreateConstraint } from "./create-constraint.ts";
import { startCreateIndex } from "./create-index.ts";
import { startCreateTable } from "./create-table.ts";
import { startDropColumn } from "./drop-column.ts";
import { startDropConstraint, startDropMultiColumnConstraint } from "./drop-constraint.ts";
import { startDropIndex } from "./drop-index.ts";
import { startDropTable } from "./drop-table.ts";
import { startRenameColumn } from "./rename-column.ts";
import { startRenameConstraint } from "./rename-constraint.ts";
import { startRenameTable } from "./rename-table.ts";
import { startSetReplicaIdentity } from "./set-replica-identity.ts";
import { startSql } from "./sql.ts";

/** Reads one operation into the draft of its version. */
export async function startOperation(context: StartContext, operation: Operation): Promise<void> {
  switch (operation.kind) {
    case "create_table":
      return startCreateTable(context, operation.with);
    case "rename_table":
      return startRenameTable(context, operation.with);
    case "drop_table":
      return startDropTable(context, operation.with);
    case "add_column":
      return startAddColumn(context, operation.with);
    case "alter_column":
      return startAlterColumn(context, operation.with);
    case "rename_column":
      return startRenameColumn(context, operation.with);
    case "drop_column":
      return startDropColumn(context, operation.with);
    case "create_index":
      return startCreateIndex(context, operation.with);
    case "drop_index":
      return startDropIndex(context, operation.with);
    case "create_constraint":
      return startCreateConstraint(context, operation.with);
    case "drop_constraint":
      return startDropConstraint(context, operation.with);
    case "drop_multi_column_constraint":
      return startDropMultiColumnConstraint(context, operation.with);
    case "rename_constraint":
      return startRenameConstraint(context, operation.with);
    case "set_replica_identity":
      return startSetReplicaIdentity(context, operation.with);
    case "sql":
      return startSql(context, operation.with);
  }
}
