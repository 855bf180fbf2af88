export const TENANTS = 10_000;
export const FLAGS = 50;
export const KINDS = ["tenant-scoped", "percentage of users", "attribute"] as const;
export type Kind = (typeof KINDS)[number];

/** Who asks for a flag. */
export interface Context {
  readonly tenant: string;
  readonly plan: string;
  readonly user: string;
  readonly attributes: { readonly country: string };
}

export type Evaluate = (context: Context, call: number) => boolean;

export interface Contestant {
  readonly name: string;
  readonly evaluators: Readonly<Record<Kind, Evaluate>>;
}

export const planOf = (tenant: number): string => (tenant % 2 === 0 ? "pro" : "free");
export const keyOf = (kind: Kind, flag: number): string => `${kind.replaceAll(" ", "_")}_${flag % FLAGS}`;
/** Keys by kind and number, made before anything is measured; as literals in a program, which are each one string. */
export const KEYS: Readonly<Record<Kind, readonly string[]>> = {
  "tenant-scoped": keysOf("tenant-scoped"),
  "percentage of users": keysOf("percentage of users"),
  attribute: keysOf("attribute"),
};

function keysOf(kind: Kind): string[] {
  return Array.from({ length: FLAGS }, (_, flag) => Object.keys({ [keyOf(kind, flag)]: true })[0] ?? "");
}
export const ALLOWED = ["CH", "DE"];

const COUNTRIES = ["CH", "DE", "FR", "US"];
const CONTEXTS: readonly Context[] = Array.from({ length: TENANTS }, (_, tenant) => ({
  tenant: `tenant-${tenant}`,
  plan: planOf(tenant),
  user: `user-${tenant}`,
  attributes: { country: COUNTRIES[tenant % 4] ?? "CH" },
}));

export const ORDERS = ["hot", "scattered"] as const;
export type Order = (typeof ORDERS)[number];

/**
 * Whom a call is for. `hot`: a request's tenant asks for all 50 flags, then the next one does; `scattered`: each call is
 * for another tenant. Tenants come in an order that no cache foresees.
 */
export function contextOf(call: number, order: Order = "scattered"): Context {
  const request = order === "hot" ? Math.floor(call / FLAGS) : call;
  return CONTEXTS[(request * 7_919) % TENANTS] as Context;
}
