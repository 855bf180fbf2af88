import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { existsSync } from "node:fs";
import protobuf from "protobufjs";

/**
 * Envoy's API definitions as its project publishes them, and a check of JSON against them: every field must be one that
 * the message has, of the right type, and every `@type` a message that there is.
 */
export function loadEnvoyDefinitions(): { problemsOf(json: unknown, type: string): string[] } {
  const folderOf = (name: string): string => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  const deps = join(folderOf("@grpc/grpc-js-xds"), "deps");
  const roots = ["envoy-api", "googleapis", "protoc-gen-validate", "xds"].map((folder) => join(deps, folder));
  roots.push(folderOf("protobufjs"));
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => {
    // Google's own well-known types come with the library, some of them in memory.
    if (protobuf.common.get(target) !== null) return target;
    return roots.map((folder) => join(folder, target)).find((path) => existsSync(path)) ?? target;
  };
  root.loadSync(
    [
      "envoy/service/discovery/v3/discovery.proto",
      "envoy/config/cluster/v3/cluster.proto",
      "envoy/config/route/v3/route.proto",
    ],
    { keepCase: true },
  );
  root.resolveAll();

  function* messageProblems(json: unknown, type: protobuf.Type, path: string): Generator<string> {
    if (type.fullName === ".google.protobuf.Duration") {
      if (typeof json !== "string" || !/^\d+(\.\d+)?s$/.test(json)) yield `${path} is not a duration`;
      return;
    }
    // Wrappers are written as what they wrap.
    if (/^\.google\.protobuf\.\w+Value$/.test(type.fullName)) {
      yield* fieldProblems(json, type.fields["value"], path);
      return;
    }
    if (typeof json !== "object" || json === null || Array.isArray(json)) {
      yield `${path} is not an object`;
      return;
    }
    const { "@type": url, ...rest } = json as Record<string, unknown>;
    const real = typeof url === "string" ? root.lookupType(url.replace("type.googleapis.com/", "")) : type;
    if (type.fullName === ".google.protobuf.Any" && url === undefined) yield `${path} has no @type`;
    const given = new Map<string, string>();
    for (const [name, value] of Object.entries(rest)) {
      const field = real.fields[name];
      if (field === undefined) {
        yield `${path}.${name} is not a field of ${real.fullName}`;
        continue;
      }
      const group = field.partOf?.name;
      if (group !== undefined && given.has(group)) yield `${path} has both ${given.get(group)} and ${name}`;
      if (group !== undefined) given.set(group, name);
      const values = field.repeated ? value : [value];
      if (!Array.isArray(values)) yield `${path}.${name} is not a list`;
      else for (const [index, one] of values.entries()) yield* fieldProblems(one, field, `${path}.${name}[${index}]`);
    }
  }

  function* fieldProblems(json: unknown, field: protobuf.Field | undefined, path: string): Generator<string> {
    const resolved = field?.resolvedType ?? null;
    if (resolved instanceof protobuf.Type) yield* messageProblems(json, resolved, path);
    else if (resolved instanceof protobuf.Enum) {
      if (!Object.hasOwn(resolved.values, String(json))) yield `${path} is no ${resolved.fullName}`;
    } else {
      const wanted = field?.type === "string" ? "string" : field?.type === "bool" ? "boolean" : "number";
      if (typeof json !== wanted) yield `${path} is not a ${wanted}`;
    }
  }

  return { problemsOf: (json, type) => [...messageProblems(json, root.lookupType(type), "$")] };
}
