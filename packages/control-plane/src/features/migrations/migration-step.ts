import type { InstallationId, ModuleId, TenantId } from "@aibos/domain";
import type { Client } from "pg";
import type { Queryable } from "@aibos/tenant-data";
import type { ControlTransaction, Isolation } from "../../db/control-database.ts";
import type { OperationRequest, PlannedStep } from "../../db/control-tables.ts";
import type { BackupFolder } from "../backups/backup-folder.ts";
import type { Deployments } from "../deployments/deployments.ts";
import type { GatewayReadModel } from "../gateways/gateway-read-model.ts";
import type { ModuleReadModel } from "../modules/module-read-model.ts";
import type { DataPlace } from "../rollback-points/rollback-points.ts";
import type { WindowReadModel } from "../measurements/window-read-model.ts";
import type { StepLog } from "./step-log.ts";
import type { TenantProbe } from "../health/tenant-probe.ts";

/** What a step can use besides the transaction. */
export interface StepPlatform {
  readonly installation: InstallationId;
  readonly modules: ModuleReadModel;
  readonly deployments: Deployments;
  readonly gateways: GatewayReadModel;
  readonly probe: TenantProbe;
  readonly windows: WindowReadModel;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Resolves after so many milliseconds. */
  sleep(ms: number): Promise<void>;
  /** Where tenants' data is: the platform's own connections to it, and the database's URL. */
  readonly data: {
    readonly pool: Queryable;
    readonly url: string;
    /** A connection of its own, for long work; it is ended with this process, or when that is declared dead. */
    connect(): Promise<Client>;
  };
  /** Where backups are, and what they are signed with. */
  readonly backups: { readonly folder: BackupFolder; readonly key: string };
}

/** The migration that a step belongs to, and where its data is. */
export interface StepRun<With> extends DataPlace {
  readonly migrationId: string;
  readonly tenant: TenantId;
  readonly module: ModuleId;
  readonly request: OperationRequest;
  readonly with: With;
  /** What is shown to people who follow the operation; nothing depends on it. */
  readonly log: StepLog;
  readonly platform: StepPlatform;
  /** For steps that take long: asked now and then. @throws MigrationCancelledError */
  stopIfCancelled(): Promise<void>;
  /** What an earlier step of this migration recorded; undefined when it did not run. */
  earlier(tx: ControlTransaction | undefined, step: string): Promise<Detail | undefined>;
  /**
   * For `outside` alone: one transaction behind the fence. `noted` is what the step's entry says, and `note` writes it;
   * it is there when the step is run again, and gone when the step has ended.
   *
   * @throws FencedError when another process took the migration up
   */
  fenced<T>(work: (tx: ControlTransaction, noted: Detail, note: Note) => Promise<T>, isolation?: Isolation): Promise<T>;
}

export type Note = (detail: Detail) => Promise<void>;

export type Detail = Readonly<Record<string, unknown>>;

export interface StepOutcome {
  readonly detail?: Detail;
  /** SHA-256 of what the step left behind, where it changed data. */
  readonly checksum?: string;
}

/**
 * One kind of step. A step may be killed at any instant and is then run again, so that each part says what repeating
 * it means:
 *
 *   outside      not in a transaction; must come to the same end when it is repeated
 *   inside       in one fenced transaction with the ledger's entry: happens once or not at all
 *   undoInside   the same for putting back what `inside` did, given what it recorded
 *   undoOutside  after it; repeatable
 */
export interface StepKind<With> {
  readonly name: string;
  /** Of the transaction of `inside`; "read committed" if absent. */
  readonly isolation?: Isolation;
  /** One line for people, in the imperative. */
  title(subject: With): string;
  outside?(run: StepRun<With>): Promise<Detail>;
  inside?(tx: ControlTransaction, run: StepRun<With>, found: Detail): Promise<StepOutcome>;
  undoInside?(tx: ControlTransaction, run: StepRun<With>, recorded: Detail): Promise<void>;
  undoOutside?(run: StepRun<With>, recorded: Detail): Promise<void>;
  /**
   * Of a step that can't be undone: whether what it does outside has happened. From then on it is tried until it ends,
   * whatever it meets; nobody may go back.
   */
  hasHappened?(run: StepRun<With>): Promise<boolean>;
}

/** Puts a step into a plan. */
export function plan<With extends object>(kind: StepKind<With>, subject: With): PlannedStep {
  return { name: kind.name, title: kind.title(subject), with: Object.fromEntries(Object.entries(subject)) };
}
