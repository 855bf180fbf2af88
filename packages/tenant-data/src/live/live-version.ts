import type { VersionModel } from "./version-model.ts";

/**
 * Where a version is on its way:
 *
 *   expanding    its columns and triggers are there; users of earlier versions fill them as they write
 *   active       rows that were there are filled, constraints hold, its views are there: it may be used
 *
 * A version that is completed is the oldest one; one that is rolled back is gone.
 */
export type VersionPhase = "expanding" | "active";

/** A column that is kept equal to an expression over the columns of the neighbouring version. */
export interface Conversion {
  /** In the table. */
  readonly column: string;
  /** SQL over the other version's names. */
  readonly expression: string;
  /** The column's own default gives new rows their value: only rows that were there are filled. */
  readonly onlyOldRows?: true;
  /** The older version's column draws from a sequence; where the newer one gives no value, it has the one drawn. */
  readonly drawn?: true;
}

/** How rows of one table go from a version to the next, and back. */
export interface TableLink {
  readonly relation: string;
  /** What the older version calls the table; undefined when it has none. */
  readonly before: string | undefined;
  /** What the newer one calls it; undefined when it has none. */
  readonly after: string | undefined;
  /** Over the older version's names. */
  readonly up: readonly Conversion[];
  /** Over the newer version's names. */
  readonly down: readonly Conversion[];
}

/** Something to do to the schema once. Names are those in the schema. */
export type SchemaTask =
  | {
      readonly do: "create-index";
      readonly relation: string;
      readonly index: string;
      readonly unique: boolean;
      /** From `using` on. */
      readonly definition: string;
    }
  | { readonly do: "validate-constraint"; readonly relation: string; readonly constraint: string }
  | {
      readonly do: "add-foreign-key";
      readonly relation: string;
      readonly constraint: string;
      readonly definition: string;
    }
  | { readonly do: "set-not-null"; readonly relation: string; readonly column: string; readonly check: string }
  | {
      readonly do: "adopt-index";
      readonly relation: string;
      readonly index: string;
      readonly constraint: string;
      readonly primaryKey: boolean;
      readonly timing: string;
    }
  | { readonly do: "drop-constraint"; readonly relation: string; readonly constraint: string }
  | { readonly do: "drop-index"; readonly index: string }
  | { readonly do: "drop-relation"; readonly relation: string }
  /** `replacement` is the column that policies and statistics go over to. */
  | { readonly do: "drop-column"; readonly relation: string; readonly column: string; readonly replacement?: string }
  | { readonly do: "drop-sequence"; readonly sequence: string }
  | {
      readonly do: "set-default";
      readonly relation: string;
      readonly column: string;
      readonly expression: string | null;
    }
  | {
      readonly do: "comment-column";
      readonly relation: string;
      readonly column: string;
      readonly comment: string | null;
    }
  | {
      readonly do: "move-identity";
      readonly relation: string;
      readonly from: string;
      readonly to: string;
      readonly kind: string;
    }
  | { readonly do: "own-sequence"; readonly sequence: string; readonly relation: string; readonly column: string }
  | { readonly do: "replica-identity"; readonly relation: string; readonly identity: string; readonly index?: string }
  | { readonly do: "run-sql"; readonly sql: string; readonly where: string }
  /** When one version is left, and its names become the schema's. */
  | { readonly do: "rename-constraint"; readonly relation: string; readonly from: string; readonly to: string }
  | { readonly do: "rename-index"; readonly from: string; readonly to: string };

/** What is known of a version of the data while more than one is live. */
export interface LiveVersion {
  readonly version: string;
  /** From the oldest live one upwards. */
  readonly position: number;
  readonly phase: VersionPhase;
  /** Of the release's files; null for the version that was there first. */
  readonly checksum: string | null;
  readonly files: readonly {
    readonly number: number;
    readonly name: string;
    readonly checksum: string;
    readonly content: string;
  }[];
  readonly model: VersionModel;
  readonly links: readonly TableLink[];
  /** Columns of the older version that this one has others for. */
  readonly replacements: readonly { readonly relation: string; readonly from: string; readonly to: string }[];
  /** After the rows are filled, before the version is active. */
  readonly finishing: readonly SchemaTask[];
  /** When the versions before it go. */
  readonly completing: readonly SchemaTask[];
  /** When it is the only one. */
  readonly renaming: readonly SchemaTask[];
  /** To take everything back, in this order. */
  readonly undoing: readonly SchemaTask[];
  readonly backfill: BackfillState;
}

export interface BackfillState {
  /** Tables whose rows are filled, in this order. */
  readonly relations: readonly string[];
  /** Index into `relations` of the one under way; their number when all are done. */
  readonly at: number;
  /** The next block of that table (of its partition `leaf`), and the file that the blocks are of. */
  readonly leaf: number;
  readonly block: number;
  readonly file: number;
  /** Blocks that it had when it was begun: what is after them was written since, and so filled. */
  readonly until: number;
  readonly rows: number;
  /** From this transaction on the version's triggers filled what was written. */
  readonly since?: string;
}
