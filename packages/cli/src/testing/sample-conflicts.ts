import type { CustomizationConflict } from "@aibos/contract";

/** Two conflicts of a module: a number, and lines of a text. */
export const SAMPLE_CONFLICTS = [
  {
    id: "cf_days",
    name: "settings",
    kind: "change",
    path: "/days",
    base: 14,
    ours: 30,
    theirs: 21,
    movedTo: null,
    detail: null,
    from: "1.0.0",
    to: "1.5.0",
    tenants: 30,
    examples: ["acme", "globex"],
  },
  {
    id: "cf_mail",
    name: "mail",
    kind: "text",
    path: "/line 1",
    base: "Dear customer,\n",
    ours: "Hi,\n",
    theirs: "Hello {{name}},\n",
    movedTo: null,
    detail: null,
    from: "1.0.0",
    to: "1.5.0",
    tenants: 1,
    examples: ["acme"],
  },
] as const satisfies CustomizationConflict[];

/** What the server answers to a decision. */
export function sampleResolution(given: Record<string, unknown>): Record<string, unknown> {
  return {
    id: `res_${String(given["conflict"])}`,
    conflict: given["conflict"],
    module: "shop",
    name: "settings",
    path: "/days",
    kind: "change",
    take: given["take"],
    value: given["value"] ?? null,
    tenant: given["tenant"] ?? null,
    author: "operator",
    at: "2027-01-31T09:30:00.000Z",
    revokedAt: null,
  };
}
