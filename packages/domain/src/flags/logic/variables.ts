import {
  type CompiledLogic,
  type LogicClosure,
  READS_ITEM,
  READS_NOTHING,
  READS_TENANT,
  READS_TIME,
  READS_USER,
} from "./logic-frame.ts";
import { invalid, type LogicScope } from "./logic-scope.ts";

/**
 * `var`: a path into the context. `tenant`, `module`, `version` and `targetingKey` are what the platform knows, and no
 * attribute of the caller's can stand in for them; every other name is an attribute. Own properties alone are seen.
 */
export function compileVariable(
  data: unknown,
  scope: LogicScope,
  { path, otherwise }: { path: string; otherwise: CompiledLogic | undefined },
): CompiledLogic {
  const [key, , extra]: readonly unknown[] = Array.isArray(data) ? data : [data];
  if (extra !== undefined) throw invalid(path, "has a name and a default at most");
  const name = nameOf(key);
  if (name === undefined) throw invalid(path, "must be a fixed name such as tenant.plan");
  if (name.includes("\\") || name.startsWith("../")) throw invalid(path, "can't escape or climb");
  const found = scope.inList ? elementPart(name) : contextPart(name, scope);
  if (otherwise === undefined) return found;
  const { run } = found;
  return {
    reads: found.reads | otherwise.reads,
    run: (frame, item) => {
      const value = run(frame, item);
      return value === undefined ? otherwise.run(frame, item) : value;
    },
  };
}

function nameOf(key: unknown): string | undefined {
  if (key == null) return "";
  return typeof key === "string" || typeof key === "number" ? String(key) : undefined;
}

function elementPart(name: string): CompiledLogic {
  if (name === "") return { run: (_, item) => item, reads: READS_ITEM };
  const names = name.split(".");
  return { run: (_, item) => walk(item, names, 0), reads: READS_ITEM };
}

function contextPart(name: string, scope: LogicScope): CompiledLogic {
  const names = name.split(".");
  const [root = ""] = names;
  switch (root) {
    case "tenant":
      return { run: tenantPart(names.slice(1)), reads: READS_TENANT };
    case "module":
      return { run: ({ module }) => module, reads: READS_TENANT };
    case "version":
      return { run: ({ version }) => version, reads: READS_TENANT };
    case "targetingKey":
      return { run: targetingKey(names), reads: READS_USER };
    case "$flagd":
      return platformPart(name, scope);
    case "":
      return { run: (frame) => frame.attributes, reads: READS_USER };
    default:
      return { run: attributePart(names), reads: READS_USER, ...(names.length === 1 ? { attribute: root } : {}) };
  }
}

function platformPart(name: string, scope: LogicScope): CompiledLogic {
  if (name === "$flagd.timestamp") return { run: (frame) => Math.floor(frame.now / 1000), reads: READS_TIME };
  if (name === "$flagd.flagKey") return { run: () => scope.flagKey, reads: READS_NOTHING };
  return { run: () => undefined, reads: READS_NOTHING };
}

function targetingKey(names: readonly string[]): LogicClosure {
  if (names.length > 1) return () => undefined;
  return ({ user, tenant }) => user ?? (tenant.id === "" ? undefined : tenant.id);
}

function tenantPart(names: readonly string[]): LogicClosure {
  const [first, second] = names;
  if (first === "labels" && second !== undefined) {
    const label = names.slice(1).join(".");
    return ({ tenant }) => own(tenant.labels, label);
  }
  if (first === "plan" || first === "region") return ({ tenant }) => own(tenant.labels, first);
  if (first === undefined || first === "id") return ({ tenant }) => tenant.id;
  return () => undefined;
}

function attributePart(names: readonly string[]): LogicClosure {
  const [first = ""] = names;
  if (names.length > 1) return (frame) => walk(frame.attributes, names, 0);
  return ({ attributes }) => {
    const value = attributes[first];
    if (value === undefined || typeof value === "function") return undefined;
    return Object.hasOwn(attributes, first) ? value : undefined;
  };
}

function walk(value: unknown, names: readonly string[], start: number): unknown {
  let part = value;
  for (let index = start; index < names.length; index += 1) part = own(part, names[index] ?? "");
  return part;
}

function own(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  const part: unknown = Reflect.get(value, name);
  return typeof part === "function" ? undefined : part;
}
