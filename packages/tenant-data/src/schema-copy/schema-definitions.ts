import type { ClientBase } from "pg";
import { commentDefinitions, grantDefinitions } from "./attached-definitions.ts";
import { constraintDefinitions, indexDefinitions, tableSettings } from "./table-definitions.ts";
import { functionDefinitions, sequenceDefinitions, typeDefinitions } from "./standalone-definitions.ts";
import { columnDefaults, identityDefinitions, tableDefinitions } from "./table-definitions.ts";
import { policyDefinitions, ruleDefinitions, triggerDefinitions, viewDefinitions } from "./dependent-definitions.ts";

/** What must be there before rows can be copied, in the order in which it can be made. */
export async function definitionsBeforeData(client: ClientBase, schema: string): Promise<string[]> {
  return [
    ...(await typeDefinitions(client, schema)),
    ...(await sequenceDefinitions(client, schema)),
    ...(await functionDefinitions(client, schema, "on no table")),
    ...(await tableDefinitions(client, schema)),
    ...(await functionDefinitions(client, schema, "on tables")),
    ...(await columnDefaults(client, schema)),
    ...(await identityDefinitions(client, schema)),
  ];
}

/** What is made faster or rightly when the rows are there: triggers must not see them come. */
export async function definitionsAfterData(client: ClientBase, schema: string): Promise<string[]> {
  return [
    ...(await constraintDefinitions(client, schema)),
    ...(await indexDefinitions(client, schema)),
    ...(await viewDefinitions(client, schema)),
    ...(await ruleDefinitions(client, schema)),
    ...(await triggerDefinitions(client, schema)),
    ...(await policyDefinitions(client, schema)),
    ...(await tableSettings(client, schema)),
    ...(await commentDefinitions(client, schema)),
    ...(await grantDefinitions(client, schema)),
  ];
}
