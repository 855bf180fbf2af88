import { z } from "zod";
import { moduleManifestSchema } from "./module-manifest.ts";

/** One field of the manifest, as the reference page shows it. */
export interface ManifestField {
  /** Dotted; `[]` for a list's items and `*` for keys that the author chooses. */
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  /** JSON of the value that holds when the field is missing. */
  readonly default: string | undefined;
  readonly description: string;
}

/** The part of JSON Schema that the manifest's schema is made of. */
const nodeSchema = z.object({
  type: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  enum: z.array(z.string()).optional(),
  required: z.array(z.string()).default([]),
  get properties() {
    return z.record(z.string(), nodeSchema).optional();
  },
  get items() {
    return nodeSchema.optional();
  },
  get anyOf() {
    return z.array(nodeSchema).optional();
  },
  get additionalProperties() {
    return z.union([z.literal(false), nodeSchema]).optional();
  },
});

type SchemaNode = z.infer<typeof nodeSchema>;

/** JSON Schema (draft 7, which editors understand) of `aibos.module.yaml`. */
export function manifestJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(moduleManifestSchema, { io: "input", target: "draft-7" });
  return { $schema, title: "AI-BOS Versions module manifest", ...schema };
}

/** Every field, parents before children, in the order of the schema. */
export function manifestFields(): ManifestField[] {
  return fieldsOf(nodeSchema.parse(manifestJsonSchema()), "");
}

/** Names of the fields that a mapping at a path can have. */
export function fieldNamesAt(path: readonly (string | number)[]): string[] {
  let node: SchemaNode | undefined = nodeSchema.parse(manifestJsonSchema());
  for (const segment of path) node = typeof segment === "number" ? node?.items : node?.properties?.[segment];
  return Object.keys(node?.properties ?? {});
}

function fieldsOf(node: SchemaNode, prefix: string): ManifestField[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const path = `${prefix}${name}`;
    const field = {
      path,
      type: typeOf(child),
      required: node.required.includes(name),
      default:
        child.default === undefined || child.properties !== undefined ? undefined : JSON.stringify(child.default),
      description: child.description ?? "",
    };
    return [field, ...fieldsOf(child, `${path}.`), ...fieldsOf(child.items ?? nodeSchema.parse({}), `${path}[].`)];
  });
}

function typeOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(" or ");
  if (node.anyOf !== undefined) return node.anyOf.map(typeOf).join(" or ");
  if (node.items !== undefined) return `list of ${typeOf(node.items)}`;
  if (node.properties !== undefined) return "mapping";
  if (typeof node.additionalProperties === "object") return `mapping to ${typeOf(node.additionalProperties)}`;
  return node.type === "string" ? "text" : node.type === "integer" ? "whole number" : (node.type ?? "anything");
}
