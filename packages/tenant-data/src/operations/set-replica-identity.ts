import { quoteIdentifier } from "../quote-identifier.ts";
import { indexOf } from "../live/draft.ts";
import type { OperationOf } from "./operation.ts";
import { invalid, relationSql, requireTable, type StartContext } from "./start-context.ts";

/** Sets what logical replication is told of old rows, once this version is the oldest. */
export async function startSetReplicaIdentity(
  context: StartContext,
  { table: tableName, identity }: OperationOf<"set_replica_identity">,
): Promise<void> {
  const table = requireTable(context, tableName);
  const { type, index } = identity;
  if (type === "index" && (index === undefined || index === "")) {
    throw invalid(context, 'identity "index" needs the name of a unique index in "index".');
  }
  if (table.facts === undefined) {
    const how = type === "index" ? `using index ${quoteIdentifier(index ?? "")}` : type;
    await context.client.query(`alter table ${relationSql(context, table)} replica identity ${how}`);
    return;
  }
  const known = indexOf(table, index ?? "")?.unique ?? table.indexes.find((one) => one.name === index)?.unique;
  if (type === "index" && known !== true) {
    throw invalid(context, `table "${table.name}" has no unique index "${index}".`);
  }
  context.draft.completing.push({
    do: "replica-identity",
    relation: table.relation,
    identity: type,
    ...(type === "index" && index !== undefined ? { index } : {}),
  });
}
