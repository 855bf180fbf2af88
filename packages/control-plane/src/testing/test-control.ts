import { createTestDatabase } from "@aibos/local-postgres/testing";
import { openControlDatabase, type ControlDatabase } from "../db/control-database.ts";
import { migrateControlSchema } from "../db/migrate-control-schema.ts";
import { listenToDatabase, type Notifications } from "../db/notifications.ts";

/** A control database of its own for a test, with nothing in it. */
export interface TestControl extends AsyncDisposable {
  readonly url: string;
  readonly database: ControlDatabase;
  readonly notifications: Notifications;
}

export async function createTestControl(): Promise<TestControl> {
  const test = await createTestDatabase();
  const { url } = test;
  await migrateControlSchema(url);
  const database = openControlDatabase(url, "test");
  const notifications = listenToDatabase(url, "test");
  return {
    url,
    database,
    notifications,
    async [Symbol.asyncDispose]() {
      await notifications.close();
      await database.close();
      await test.drop();
    },
  };
}
