import { z } from "zod";

const right = z.strictObject({
  /** Null is everybody. */
  grantee: z.string().nullable(),
  privilege: z.enum(["USAGE", "CREATE"]),
  grantable: z.boolean(),
});

const defaultRight = z.strictObject({
  role: z.string(),
  kind: z.enum(["r", "S", "f", "T"]),
  grantee: z.string().nullable(),
  // Written into a statement as it is.
  privilege: z.string().regex(/^[A-Z]+$/),
  grantable: z.boolean(),
});

/** What a backup says of itself before its rows. */
export const backupManifest = z.strictObject({
  format: z.literal("aibos-backup"),
  version: z.literal(1),
  /** The moment that the backup is of, as ISO 8601 in UTC. */
  createdAt: z.iso.datetime(),
  postgres: z.strictObject({ version: z.string(), major: z.int().positive(), encoding: z.string() }),
  compression: z.enum(["zstd", "gzip"]),
  /** Whether it was written with a key. */
  signed: z.boolean(),
  schema: z.strictObject({
    name: z.string(),
    owner: z.string(),
    comment: z.string().nullable(),
    /** Null when they were never changed. */
    rights: z.array(right).nullable(),
    /** Rights on objects that will be made later: of tables, sequences, functions or types that a role makes. */
    defaultRights: z.array(defaultRight),
    /** Functions whose text has the schema's name, so that they work under that name only. */
    namedIn: z.array(z.string()),
  }),
  /** Roles that rights and policies name. */
  roles: z.array(z.string()),
  tables: z.array(z.strictObject({ name: z.string(), columns: z.array(z.string()) })),
  sequences: z.array(
    z.strictObject({ name: z.string(), lastValue: z.string().regex(/^-?\d+$/), isCalled: z.boolean() }),
  ),
  statements: z.strictObject({ beforeData: z.array(z.string()), afterData: z.array(z.string()) }),
  /** The schema as its fingerprint describes it, to compare with what a restore made. */
  structure: z.array(z.strictObject({ object: z.string(), definition: z.string() })),
  /** What the writer passed along, as it was. */
  metadata: z.json(),
});

export type BackupManifest = z.infer<typeof backupManifest>;
export type BackupMetadata = BackupManifest["metadata"];
export type BackupCompression = BackupManifest["compression"];
