import { z } from "zod";
import { isModuleId, isVersion, isVersionRange, type ModuleId, type Version, type VersionRange } from "@aibos/domain";

// Plain strings with a check, so that the JSON Schema for editors can be derived from the same definition.
const moduleId = z.string().refine(isModuleId, {
  error: "must be 1 to 40 lower-case letters, digits and single dashes, beginning with a letter",
});

const version = z
  .string({ error: 'must be a semantic version in quotes, such as "1.5.0"' })
  .refine(isVersion, { error: "must be a semantic version such as 1.5.0" });

const range = z
  .string()
  .refine(isVersionRange, { error: 'must be a range of semantic versions such as ">=1.0.0 <2.0.0"' });

const seconds = z.int().min(1).max(3600);
const command = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);
const relativePath = z
  .string()
  .min(1)
  .refine((p) => !p.startsWith("/") && !p.split(/[\\/]/).includes(".."), {
    error: "must be a path inside the module's folder: relative, with no '..'",
  });
const isoDate = z.iso.date({ error: "must be a date such as 2027-01-31" });

/**
 * `aibos.module.yaml`: what a module's author declares about one version. Unknown fields are refused.
 *
 * `runtime.command`, `build` and `install` are run by `sh -c` when they are one text, and directly when they are a list.
 */
export const moduleManifestSchema = z.strictObject({
  id: moduleId.describe("The module's identifier, the same in all its versions"),
  version: version.describe("This release's version"),
  title: z.string().min(1).max(120).describe("The module's name for people"),
  upgrades: z
    .strictObject({
      from: range.optional().describe("Versions that can move to this one directly; without it, none can"),
      requiredStop: z.boolean().default(false).describe("Every upgrade that passes this version must stop at it"),
      risk: z.enum(["low", "medium", "high"]).optional().describe("Overrides the risk that the version numbers imply"),
      blocked: z
        .array(z.strictObject({ from: range, reason: z.string().min(1).max(500) }))
        .default([])
        .describe("Versions that must not move to this one directly, and why"),
    })
    .prefault({}),
  dependencies: z
    .record(z.string(), range)
    .default({})
    .describe("Other modules that this one needs in the same tenant, with the versions that it works with"),
  runtime: z.strictObject({
    driver: z
      .enum(["process", "external"])
      .default("process")
      .describe("`external`: somebody else runs it; its URL is registered"),
    command: command.optional().describe("Starts the HTTP service; it must listen on 127.0.0.1:$PORT"),
    healthPath: z.string().startsWith("/").default("/healthz").describe("Answers 2xx when the process can serve"),
    tenantHealthPath: z
      .string()
      .startsWith("/")
      .optional()
      .describe("Answers 2xx, called with a tenant's signed context, when that tenant's data can be served"),
    startTimeoutSeconds: seconds.default(30),
    stopTimeoutSeconds: seconds.default(10),
    environment: z.record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/), z.string()).default({}),
  }),
  data: z
    .strictObject({
      migrations: relativePath.default("migrations").describe("Folder of NNN_name.up.sql and NNN_name.down.sql files"),
      compatibleWith: range
        .optional()
        .describe(
          "Earlier versions whose code keeps working, unchanged, on this version's tables: they can run side by side",
        ),
    })
    .prefault({}),
  lifecycle: z
    .strictObject({
      deprecatedOn: isoDate.optional(),
      endOfLife: isoDate.optional(),
      replacement: version.optional(),
      migrationGuide: z.url().optional(),
    })
    .prefault({}),
  build: command.optional().describe("Runs in the module's folder before it is packed"),
  install: command.optional().describe("Runs once where the artifact is unpacked"),
});

export type ModuleManifest = z.infer<typeof moduleManifestSchema>;

/** The manifest's file name, at the root of a module's folder. */
export const MANIFEST_FILE = "aibos.module.yaml";
