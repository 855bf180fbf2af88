import { z } from "zod";
import {
  CONFLICT_KINDS,
  CUSTOM_FIELD_TYPES,
  CUSTOM_FIELDS,
  DOCUMENT_FORMATS,
  parsePath,
  renameProblem,
} from "@aibos/domain";

/** What a release's author lets tenants change. */

const pathText = z.string().refine((text) => parsePath(text) !== undefined, {
  error: 'must be a path such as "/invoice/days" or "/steps/[id=approve]/title"',
});

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

export const PREFERENCES = ["tenant", "vendor", "ask"] as const;
export const preferenceSchema = z
  .record(
    z.string().refine((key) => (CONFLICT_KINDS as readonly string[]).includes(key) || parsePath(key) !== undefined, {
      error: `must be a path that begins with "/", or a kind of conflict: ${CONFLICT_KINDS.join(", ")}`,
    }),
    z.enum(PREFERENCES),
  )
  .describe("Whose change wins, by path (and what is below it) or by kind of conflict; without it, a person is asked");
export type Preference = z.infer<typeof preferenceSchema>;

function customizable(file: z.ZodType<string>) {
  const content = file.describe("The default content");
  const formerly = z.string().regex(NAME).optional().describe("What it was called until this version");
  const prefer = preferenceSchema.default({});
  return z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("document"),
      format: z.enum(DOCUMENT_FORMATS).default("yaml"),
      content,
      schema: file.describe("JSON Schema (2020-12) with `x-aibos-merge-key` and `x-aibos-merge`"),
      renamed: z
        .record(pathText, pathText)
        .default({})
        .refine((renamed) => Object.entries(renamed).every(([from, to]) => problemOf(from, to) === undefined), {
          error: "must lead from one place to another one beside it, with as many `*`",
        })
        .describe("Where this version has what the one before had elsewhere; `*` is each key or item"),
      formerly,
      prefer,
    }),
    z.strictObject({ kind: z.literal("text"), content, formerly, prefer }),
    z.strictObject({
      kind: z.literal("hook"),
      payload: file.describe("JSON Schema of what the hook is called with"),
      content: content.optional(),
      formerly,
      prefer,
    }),
  ]);
}

function problemOf(from: string, to: string): string | undefined {
  return renameProblem({ from: parsePath(from) ?? [], to: parsePath(to) ?? [] });
}

/** `customizable` of a manifest: documents, texts and hooks by name. */
export function customizablesSchema(file: z.ZodType<string>) {
  return z
    .record(
      z
        .string()
        .max(60)
        .regex(NAME, { error: "must be lower-case letters, digits and dashes" })
        .refine((name) => name !== CUSTOM_FIELDS, { error: 'is what "customFields" are called; choose another name' }),
      customizable(file),
    )
    .default({})
    .describe("What tenants may change, and the default of each");
}

/** `customFields` of a manifest. */
export const extensibleTablesSchema = z
  .strictObject({
    tables: z
      .record(z.string().min(1).max(63), z.array(z.enum(CUSTOM_FIELD_TYPES)).min(1))
      .describe("Tables that tenants may extend by columns of their own, with the types that these may have"),
    prefer: z
      .enum(PREFERENCES)
      .default("ask")
      .describe(
        "A release's column that is called like a tenant's: `vendor` gives it the tenant's values, `tenant` keeps both",
      ),
  })
  .prefault({ tables: {} })
  .describe("Columns that tenants may add to this module's tables");

/** What a hook's content is: where it is called, or what it does. */
export const HOOK_SCHEMA = {
  oneOf: [
    { type: "null" },
    {
      type: "object",
      properties: { url: { type: "string", pattern: "^https?://[^\\s]+$", maxLength: 2000 } },
      required: ["url"],
      additionalProperties: false,
    },
    {
      type: "object",
      properties: { expression: { description: "JSONLogic" } },
      required: ["expression"],
      additionalProperties: false,
    },
  ],
};
