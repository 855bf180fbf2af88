import { defineConfig, type OxlintOverride } from "oxlint";

/** Which packages a package may import (ARCHITECTURE.md, Layers); its tests may also import `local-postgres`. */
const LAYERS: Record<string, readonly string[]> = {
  domain: [],
  contract: ["domain"],
  "tenant-data": ["domain"],
  "local-postgres": ["domain"],
  "openfeature-provider": ["domain", "contract"],
  "module-kit": ["domain", "contract", "openfeature-provider"],
  gateway: ["domain", "contract"],
  "control-plane": ["domain", "contract", "tenant-data", "local-postgres"],
  engines: ["domain", "contract", "gateway"],
  cli: ["domain", "contract", "engines"],
};

interface Restriction {
  group: string[];
  message: string;
}

/** Imports that a package's files may not make. */
function forbidden(name: string, allowed: readonly string[]): Restriction[] {
  return Object.keys(LAYERS)
    .filter((other) => other !== name && !allowed.includes(other))
    .map((other) => ({
      group: [`@aibos/${other}`, `@aibos/${other}/*`, `**/packages/${other}/**`, `**/../${other}/src/**`],
      message: `${name} may import ${allowed.join(", ") || "no other package"} (ARCHITECTURE.md, Layers).`,
    }));
}

const PURE: Restriction = { group: ["node:*"], message: "domain is pure: no input, no output, no clock." };

/** Inside the control plane: main → http → features → db; features see each other by what they publish. */
const CONTROL_PLANE = "packages/control-plane/src";
const INSIDE: readonly { folder: string; restrictions: Restriction[] }[] = [
  {
    folder: "features",
    restrictions: [
      {
        group: ["**/http/**", "**/platform.ts", "**/control-plane.ts", "**/main.ts"],
        message: "A feature knows nothing of how it is served or composed.",
      },
      {
        group: ["../*/**/*-store.ts", "../*/**/*-api.ts", "../*/**/publish-module.ts", "../*/**/route-feed.ts"],
        message: "A feature sees another through its read model and the operations that it offers, not its store.",
      },
    ],
  },
  {
    folder: "db",
    restrictions: [
      { group: ["**/features/**", "**/http/**", "**/runtime/**"], message: "db is below everything else." },
    ],
  },
  {
    folder: "runtime",
    restrictions: [{ group: ["**/features/**", "**/http/**", "**/db/**"], message: "Drivers know no database." }],
  },
];

function restrict(patterns: Restriction[]): NonNullable<OxlintOverride["rules"]> {
  return { "no-restricted-imports": ["error", { patterns }] };
}

const layers = Object.entries(LAYERS).flatMap(([name, allowed]) => [
  {
    files: [`packages/${name}/src/**`],
    excludeFiles: [`packages/${name}/src/**/*.test.ts`, `packages/${name}/src/**/testing/**`],
    rules: restrict([...forbidden(name, allowed), ...(name === "domain" ? [PURE] : [])]),
  },
  {
    files: [`packages/${name}/src/**/*.test.ts`, `packages/${name}/src/**/testing/**`],
    // The control plane is what flags are served by: its tests ask it with the provider that customers use.
    rules: restrict(
      forbidden(name, [...allowed, "local-postgres", ...(name === "control-plane" ? ["openfeature-provider"] : [])]),
    ),
  },
]);

const inside = INSIDE.map(({ folder, restrictions }) => ({
  files: [`${CONTROL_PLANE}/${folder}/**`],
  excludeFiles: [`${CONTROL_PLANE}/**/*.test.ts`, `${CONTROL_PLANE}/**/testing/**`],
  rules: restrict([...forbidden("control-plane", LAYERS["control-plane"] ?? []), ...restrictions]),
}));

export default defineConfig({
  plugins: ["typescript", "unicorn", "import", "promise", "oxc", "vitest"],
  categories: { correctness: "error", suspicious: "error" },
  rules: {
    "no-console": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/switch-exhaustiveness-check": "error",
    "import/no-cycle": "error",
    "max-lines": ["error", { max: 400, skipBlankLines: false, skipComments: false }],
    // What the compiler sees by itself, and matters of taste.
    "import/no-named-as-default-member": "off",
    "import/no-unassigned-import": "off",
    "no-await-in-loop": "off",
    "no-shadow": "off",
    "no-underscore-dangle": "off",
    "promise/always-return": "off",
    "typescript/consistent-return": "off",
    "typescript/consistent-type-imports": "off",
    "typescript/no-unsafe-type-assertion": "off",
    "unicorn/consistent-function-scoping": "off",
    "unicorn/no-array-reverse": "off",
    "unicorn/no-array-sort": "off",
  },
  ignorePatterns: ["**/dist/**", "**/node_modules/**"],
  overrides: [
    ...layers,
    ...inside,
    {
      files: ["packages/cli/src/output/**", "packages/cli/src/main.ts", "scripts/**", "bench/**"],
      rules: { "no-console": "off" },
    },
  ],
});
