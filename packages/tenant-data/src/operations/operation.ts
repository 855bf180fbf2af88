import { z } from "zod";

/** A name that PostgreSQL can hold whole: 1 to 63 bytes of UTF-8, without NUL. */
const name = z
  .string()
  .refine(
    (text) => text !== "" && !text.includes("\0") && Buffer.byteLength(text, "utf8") <= 63,
    "must have 1 to 63 bytes and no NUL",
  );
const expression = z.string().min(1);
/** Engines that write these files put an empty text where nothing is meant. */
const optionalExpression = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text.trim() === "" ? undefined : text));

const ACTIONS = ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"] as const;
const action = z.preprocess((text) => (typeof text === "string" ? text.toUpperCase() : text), z.enum(ACTIONS));
const matchType = z.preprocess(
  (text) => (typeof text === "string" ? text.toUpperCase() : text),
  z.enum(["SIMPLE", "FULL"]),
);

const check = z.strictObject({ name, constraint: expression, no_inherit: z.boolean().optional() });

const reference = z.strictObject({
  name,
  table: name,
  column: name.optional(),
  on_delete: action.optional(),
  on_update: action.optional(),
  match_type: matchType.optional(),
  deferrable: z.boolean().optional(),
  initially_deferred: z.boolean().optional(),
});

const generated = z
  .strictObject({
    expression: expression.optional(),
    identity: z
      .strictObject({
        user_specified_values: z.enum(["ALWAYS", "BY DEFAULT"]).optional(),
        sequence_options: z.string().optional(),
      })
      .optional(),
  })
  .refine(
    (value) => (value.expression === undefined) !== (value.identity === undefined),
    'needs one of "expression" and "identity"',
  );

/** A column. Unless it says `nullable: true`, it holds no nulls. */
export const columnSchema = z.strictObject({
  name,
  type: z.string().min(1),
  nullable: z.boolean().default(false),
  unique: z.boolean().default(false),
  pk: z.boolean().default(false),
  default: z.string().nullish(),
  comment: z.string().nullish(),
  check: check.optional(),
  references: reference.optional(),
  generated: generated.optional(),
});
export type ColumnDefinition = z.infer<typeof columnSchema>;

const tableReference = z.strictObject({
  name: name.optional(),
  table: name,
  columns: z.array(name).min(1),
  on_delete: action.optional(),
  on_delete_set_columns: z.array(name).optional(),
  on_update: action.optional(),
  match_type: matchType.optional(),
});

const constraintFields = {
  name,
  columns: z.array(name).optional(),
  check: expression.optional(),
  references: tableReference.optional(),
  deferrable: z.boolean().optional(),
  initially_deferred: z.boolean().optional(),
  no_inherit: z.boolean().optional(),
  nulls_not_distinct: z.boolean().optional(),
  index_parameters: z
    .strictObject({
      tablespace: name.optional(),
      storage_parameters: z.string().optional(),
      include_columns: z.array(name).optional(),
    })
    .optional(),
};

export const tableConstraintSchema = z.strictObject({
  ...constraintFields,
  type: z.enum(["unique", "check", "primary_key", "foreign_key", "exclude"]),
  exclude: z
    .strictObject({ index_method: name.optional(), elements: z.string().min(1), predicate: expression.optional() })
    .optional(),
});
export type TableConstraint = z.infer<typeof tableConstraintSchema>;

const perColumn = z.record(name, expression);

const indexOptions = {
  collate: name.optional(),
  opclass: z
    .union([
      name.transform((text) => ({ name: text, params: undefined })),
      z.strictObject({ name, params: z.array(z.string()).optional() }),
    ])
    .optional(),
  sort: z.enum(["ASC", "DESC"]).optional(),
  nulls: z.enum(["FIRST", "LAST"]).optional(),
};
const indexColumn = z.strictObject(indexOptions);
type IndexColumn = { name: string; options: z.infer<typeof indexColumn> };

/** A column of an index says its name in one of three ways: bare, in a field of its own, or as the key of its options. */
const listedColumn = z.union([
  name.transform((text): IndexColumn[] => [{ name: text, options: {} }]),
  z
    .strictObject({ column: name, ...indexOptions })
    .transform(({ column, ...options }): IndexColumn[] => [{ name: column, options }]),
  z
    .strictObject({ name, ...indexOptions })
    .transform(({ name: column, ...options }): IndexColumn[] => [{ name: column, options }]),
  z.record(name, indexColumn.nullish()).transform(keyed),
]);
/** `[a, b]`, `{a: {}, b: {sort: DESC}}`, `[{a: {sort: DESC}}]` or `[{column: a, sort: DESC}]`: the format has known all. */
const indexColumns = z
  .union([
    z.array(listedColumn).transform((columns) => columns.flat()),
    z.record(name, indexColumn.nullish()).transform(keyed),
  ])
  .refine((columns) => columns.length > 0, "must name at least one column");

function keyed(columns: Record<string, z.infer<typeof indexColumn> | null | undefined>): IndexColumn[] {
  return Object.entries(columns).map(([key, options]) => ({ name: key, options: options ?? {} }));
}

/** The operations by their names in a file; each value is the operation's own fields. */
export const OPERATION_SCHEMAS = {
  create_table: z.strictObject({
    name,
    columns: z.array(columnSchema).min(1),
    constraints: z.array(tableConstraintSchema).default([]),
    comment: z.string().nullish(),
  }),
  rename_table: z.strictObject({ from: name, to: name }),
  drop_table: z.strictObject({ name }),
  add_column: z.strictObject({ table: name, column: columnSchema, up: optionalExpression }),
  alter_column: z.strictObject({
    table: name,
    column: name,
    name: name.optional(),
    type: z.string().min(1).optional(),
    nullable: z.boolean().optional(),
    unique: z.strictObject({ name }).optional(),
    check: check.optional(),
    default: z.string().nullish(),
    comment: z.string().nullish(),
    references: reference.optional(),
    up: optionalExpression,
    down: optionalExpression,
  }),
  rename_column: z.strictObject({ table: name, from: name, to: name }),
  drop_column: z.strictObject({ table: name, column: name, down: optionalExpression }),
  create_index: z.strictObject({
    table: name,
    name,
    columns: indexColumns,
    predicate: optionalExpression,
    method: z.enum(["btree", "hash", "gist", "spgist", "gin", "brin"]).optional(),
    unique: z.boolean().default(false),
    storage_parameters: z.string().optional(),
  }),
  drop_index: z.strictObject({ name }),
  create_constraint: z.strictObject({
    ...constraintFields,
    table: name,
    type: z.enum(["unique", "check", "primary_key", "foreign_key"]),
    up: perColumn.default({}),
    down: perColumn.default({}),
  }),
  drop_constraint: z.strictObject({
    table: name,
    name,
    column: name.optional(),
    up: optionalExpression,
    down: optionalExpression,
  }),
  drop_multi_column_constraint: z.strictObject({
    table: name,
    name,
    up: perColumn.default({}),
    down: perColumn.default({}),
  }),
  rename_constraint: z.strictObject({ table: name, from: name, to: name }),
  set_replica_identity: z.strictObject({
    table: name,
    identity: z.strictObject({
      type: z.preprocess(
        (text) => (typeof text === "string" ? text.toLowerCase() : text),
        z.enum(["default", "full", "nothing", "index"]),
      ),
      index: z.string().optional(),
    }),
  }),
  sql: z.strictObject({ up: z.string().min(1), down: optionalExpression, onComplete: z.boolean().default(false) }),
} as const;

export type OperationKind = keyof typeof OPERATION_SCHEMAS;
export const OPERATION_KINDS = Object.keys(OPERATION_SCHEMAS).filter((kind): kind is OperationKind =>
  Object.hasOwn(OPERATION_SCHEMAS, kind),
);

/** The fields of one kind of operation. */
export type OperationOf<Kind extends OperationKind> = z.infer<(typeof OPERATION_SCHEMAS)[Kind]>;

export type Operation = {
  [Kind in OperationKind]: { readonly kind: Kind; readonly with: OperationOf<Kind> };
}[OperationKind];
