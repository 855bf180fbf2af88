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
/** Keys by kind and number, made before anything is measured. */
export const KEYS: Readonly<Record<Kind, readonly string[]>> = {
  "tenant-scoped": Array.from({ length: FLAGS }, (_, flag) => keyOf("tenant-scoped", flag)),
  "percentage of users": Array.from({ length: FLAGS }, (_, flag) => keyOf("percentage of users", flag)),
  attribute: Array.from({ length: FLAGS }, (_, flag) => keyOf("attribute", flag)),
};
export const ALLOWED = ["CH", "DE"];

const COUNTRIES = ["CH", "DE", "FR", "US"];
const CONTEXTS: readonly Context[] = Array.from({ length: TENANTS }, (_, tenant) => ({
  tenant: `tenant-${tenant}`,
  plan: planOf(tenant),
  user: `user-${tenant}`,
  attributes: { country: COUNTRIES[tenant % 4] ?? "CH" },
}));

/** Tenants in an order that no cache foresees. */
export function contextOf(call: number): Context {
  return CONTEXTS[(call * 7_919) % TENANTS] as Context;
}
