import type { ClientBase } from "pg";
import { readDefinitions } from "./read-definitions.ts";

/** What must be there before rows can be copied, in the order in which it can be made. */
export async function definitionsBeforeData(client: ClientBase, schema: string): Promise<string[]> {
  return (await readDefinitions(client, schema)).beforeData.map(({ statement }) => statement);
}

/** What is made faster or rightly when the rows are there: triggers must not see them come. */
export async function definitionsAfterData(client: ClientBase, schema: string): Promise<string[]> {
  return (await readDefinitions(client, schema)).afterData.map(({ statement }) => statement);
}
