import type { MultiVersionService, OperationInput } from "@aibos/contract";

/** What a tenant is brought to, what is asked for then, and how that must end. */
export interface Scenario {
  readonly name: string;
  readonly prepare: (service: MultiVersionService, tenant: string) => Promise<unknown>;
  readonly operation: OperationInput;
  readonly status: "succeeded" | "rolled-back" | "failed";
}

type Prepare = Scenario["prepare"];

const install =
  (version: string): Prepare =>
  (service, tenant) =>
    service.install(tenant, "notes", version);

const sideBySide =
  (old: string, fresh: string): Prepare =>
  async (service, tenant) => {
    await service.install(tenant, "notes", old);
    await service.enableSideBySideVersions(tenant, "notes", fresh);
    await service.updateTrafficSplit(tenant, "notes", { [old]: 50, [fresh]: 50 });
  };

const migrated: Prepare = async (service, tenant) => {
  await service.install(tenant, "notes", "1.1.0");
  await service.migrateTenant(tenant, "notes", "2.0.0");
};

/** Every kind of operation, those that succeed and those that fail and are undone. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "a migration over two releases",
    prepare: install("1.0.0"),
    operation: { kind: "migrate", version: "2.0.0" },
    status: "succeeded",
  },
  {
    name: "a migration whose last release fails and is undone",
    prepare: install("1.1.0"),
    operation: { kind: "migrate", version: "2.1.0" },
    status: "rolled-back",
  },
  {
    name: "a migration whose last release fails and that stays at the one before",
    prepare: install("1.1.0"),
    operation: { kind: "migrate", version: "2.1.0", rollbackOnFailure: false },
    status: "failed",
  },
  {
    name: "an installation",
    prepare: async () => undefined,
    operation: { kind: "install", version: "1.1.0" },
    status: "succeeded",
  },
  {
    name: "an installation that fails and is undone",
    prepare: async () => undefined,
    operation: { kind: "install", version: "2.1.0" },
    status: "rolled-back",
  },
  {
    name: "a second version beside the first",
    prepare: install("1.0.0"),
    operation: { kind: "side-by-side", version: "1.1.0" },
    status: "succeeded",
  },
  {
    name: "the end of side by side",
    prepare: sideBySide("1.0.0", "1.1.0"),
    operation: { kind: "complete", version: "1.1.0" },
    status: "succeeded",
  },
  {
    name: "a rollback out of side by side",
    prepare: sideBySide("1.0.0", "1.1.0"),
    operation: { kind: "rollback" },
    status: "succeeded",
  },
  {
    name: "a rollback to a rollback point",
    prepare: migrated,
    operation: { kind: "rollback" },
    status: "succeeded",
  },
  {
    name: "a migration along two live releases",
    prepare: install("2.0.0"),
    operation: { kind: "migrate", version: "2.3.0" },
    status: "succeeded",
  },
  {
    name: "a migration to a live release whose process can't serve, which is undone",
    prepare: install("2.2.0"),
    operation: { kind: "migrate", version: "3.1.0" },
    status: "rolled-back",
  },
  {
    name: "a second version with data of its own beside the first",
    prepare: install("2.0.0"),
    operation: { kind: "side-by-side", version: "2.2.0" },
    status: "succeeded",
  },
  {
    name: "the end of side by side with data of their own",
    prepare: sideBySide("2.0.0", "2.2.0"),
    operation: { kind: "complete", version: "2.2.0" },
    status: "succeeded",
  },
  {
    name: "a rollback of a version with data of its own",
    prepare: sideBySide("2.0.0", "2.2.0"),
    operation: { kind: "rollback" },
    status: "succeeded",
  },
  {
    name: "a rollback point",
    prepare: install("1.1.0"),
    operation: { kind: "rollback-point", version: "1.1.0", reason: "the crash test" },
    status: "succeeded",
  },
];
