import { createHmac, randomBytes } from "node:crypto";
import { type InstallationId, type ModuleId, parseInstallationId, type Version } from "@aibos/domain";
import type { ControlDatabase } from "../../db/control-database.ts";

/** What makes one control database different from another. */
export interface Installation {
  /** Part of the names of roles, which all databases of a server share. */
  readonly id: InstallationId;
  /** Names the route feed. */
  readonly feed: string;
  /** Key that signs the tenant contexts for one version of a module. */
  contextKey(module: ModuleId, version: Version): string;
  /** Secret that keys of flags are made from. */
  readonly flagSecret: string;
  /** Key that signs testers' tokens. */
  readonly testerKey: string;
  /** Signs backups. */
  readonly backupKey: string;
  /** Password of a login role. */
  rolePassword(role: string): string;
}

/** Reads the installation, and makes it at the first time. */
export async function loadInstallation({ db }: ControlDatabase): Promise<Installation> {
  await db
    .insertInto("installation")
    .values({
      id: randomBytes(4).toString("hex"),
      secret: randomBytes(32).toString("base64url"),
      feed: randomBytes(12).toString("base64url"),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { id, secret, feed } = await db
    .selectFrom("installation")
    .select(["id", "secret", "feed"])
    .executeTakeFirstOrThrow();
  const derive = (purpose: string): string => createHmac("sha256", secret).update(purpose).digest("base64url");
  return {
    id: parseInstallationId(id),
    feed,
    flagSecret: derive("keys of flags"),
    testerKey: derive("key of testers' tokens"),
    backupKey: derive("key of backups"),
    contextKey: (module, version) => derive(`context key of ${module}@${version}`),
    rolePassword: (role) => derive(`password of ${role}`),
  };
}
