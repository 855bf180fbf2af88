import { z } from "zod";
import { customizablesSchema, extensibleTablesSchema } from "./customizable.ts";
import { rolloutPolicySchema } from "./rollout-policy.ts";
import { isModuleId, isVersion, isVersionRange, type ModuleId, type Version, type VersionRange } from "@aibos/domain";

// Plain strings with a check, so that the JSON Schema for editors can be derived from the same definition. The guards
// are spelled out as type predicates: that is what brands the parsed output.
const moduleId = z.string().refine((text): text is ModuleId => isModuleId(text), {
  error: "must be 1 to 40 lower-case letters, digits and single dashes, beginning with a letter",
});

const version = z
  .string({ error: 'must be a semantic version in quotes, such as "1.5.0"' })
  .refine((text): text is Version => isVersion(text), { error: 'must be a semantic version such as "1.5.0"' });

const RANGE_ERROR = 'must be a range of semantic versions in quotes, such as ">=1.0.0 <2.0.0"';
const range = z
  .string({ error: RANGE_ERROR })
  .refine((text): text is VersionRange => isVersionRange(text), { error: RANGE_ERROR });

const seconds = z.int().min(1).max(3600);

const COMMAND_ERROR = "must be a command: one text for `sh -c`, or a list of texts; not empty, and without NUL";
const word = z.string().min(1).refine(hasNoNul, { error: COMMAND_ERROR });
const command = z.union([word, z.array(word).min(1)], { error: COMMAND_ERROR });

const relativePath = z
  .string()
  .min(1)
  .refine((path) => !path.startsWith("/") && !path.split(/[\\/]/).includes("..") && !/[\p{Cc}\\]/u.test(path), {
    error: "must be a path inside the module's folder: relative, with `/` between names and no `..`",
  });

// A request line is written with it: nothing that could end it, and no other host's address.
const urlPath = z.string().regex(/^\/(?!\/)[\x21-\x7e]*$/, {
  error: "must be a URL path that begins with one `/`, in printable ASCII without spaces",
});

const isoDate = z.iso.date({ error: "must be a date such as 2027-01-31" });

/**
 * `aibos.module.yaml`: what a module's author declares about one version. Unknown fields are refused.
 *
 * `runtime.command`, `build` and `install` are run by `sh -c` when they are one text, and directly when they are a list.
 */
export const moduleManifestSchema = z.strictObject({
  id: moduleId.describe("The module's identifier, the same in all its versions"),
  version: version.describe("This release's version, in quotes"),
  title: z.string().min(1).max(120).describe("The module's name for people"),
  upgrades: z
    .strictObject({
      from: range.optional().describe("Versions that can move to this one directly; without it, none can"),
      requiredStop: z.boolean().default(false).describe("Every upgrade that passes this version must stop at it"),
      risk: z.enum(["low", "medium", "high"]).optional().describe("Overrides the risk that the version numbers imply"),
      blocked: z
        .array(
          z.strictObject({
            from: range.describe("The versions that must not"),
            reason: z.string().min(1).max(500).describe("Why, for the operator who tries"),
          }),
        )
        .default([])
        .describe("Versions that must not move to this one directly, and why"),
    })
    .prefault({})
    .describe("How tenants come to this version"),
  dependencies: z
    .record(z.string(), range)
    .default({})
    .describe("Other modules that this one needs in the same tenant, with the versions that it works with"),
  runtime: z
    .strictObject({
      driver: z
        .enum(["process", "external"])
        .default("process")
        .describe("`process`: AI-BOS Versions runs it; `external`: somebody else does, and its URL is registered"),
      command: command.optional().describe("Starts the HTTP service; it must listen on 127.0.0.1:$PORT"),
      healthPath: urlPath.default("/healthz").describe("Answers 2xx when the process can serve"),
      tenantHealthPath: urlPath
        .optional()
        .describe("Answers 2xx, called with a tenant's signed context, when that tenant's data can be served"),
      startTimeoutSeconds: seconds.default(30).describe("A start that is not healthy after this time has failed"),
      stopTimeoutSeconds: seconds.default(10).describe("Time from SIGTERM to SIGKILL"),
      environment: z
        .record(
          z.string().regex(/^[A-Z_][A-Z0-9_]*$/),
          z.string({ error: "must be a text: put numbers and booleans in quotes" }).refine(hasNoNul, {
            error: "must not hold NUL",
          }),
        )
        .default({})
        .describe("Environment variables for the process; `PORT` and `AIBOS_…` are the platform's"),
    })
    .describe("How this version runs"),
  data: z
    .strictObject({
      migrations: relativePath
        .default("migrations")
        .describe("Folder of NNN_name.yaml files of operations, and NNN_name.up.sql and NNN_name.down.sql files"),
      compatibleWith: range
        .optional()
        .describe(
          "Earlier versions whose code keeps working, unchanged, on this version's tables: they can run side by side",
        ),
    })
    .prefault({})
    .describe("What this version does to a tenant's data"),
  customizable: customizablesSchema(relativePath),
  customFields: extensibleTablesSchema,
  flags: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .default({})
    .describe("Feature flags by key: `type` and `default`, or OpenFeature's `flagType` and `defaultValue`, and more"),
  breakingFlags: z
    .array(z.string())
    .default([])
    .describe("Flags of versions in use that this version removes or retypes, on purpose"),
  rollout: rolloutPolicySchema
    .optional()
    .describe("How users come to this version when it is rolled out; without it, in an hour, by errors and p95"),
  lifecycle: z
    .strictObject({
      deprecatedOn: isoDate.optional().describe("From this date on, operators are told to leave this version"),
      endOfLife: isoDate.optional().describe("After this date, this version is not maintained"),
      replacement: version.optional().describe("The newer version to move to"),
      migrationGuide: z.url().optional().describe("Where the move is described for people"),
    })
    .prefault({})
    .describe("How long this version is looked after"),
  build: command.optional().describe("Runs in the module's folder before it is packed"),
  install: command.optional().describe("Runs once where the artifact is unpacked"),
});

export type ModuleManifest = z.infer<typeof moduleManifestSchema>;

/** The manifest's file name, at the root of a module's folder. */
export const MANIFEST_FILE = "aibos.module.yaml";

function hasNoNul(text: string): boolean {
  return !text.includes("\0");
}
