import type { TenantRoute } from "@aibos/contract";

/**
 * What a route has in common with those of other tenants: 100,000 routes have a few hundred shapes. Names that are the
 * tenant's own are numbers of its list.
 */
export interface RouteShape extends Pick<TenantRoute, "module" | "state" | "hold" | "policy"> {
  readonly versions: readonly ShapeVersion[];
}
interface ShapeVersion extends Omit<TenantRoute["versions"][number], "schema" | "views"> {
  readonly schema: number;
  readonly views: number;
}

/** The tenant, its role, and then the names of schemas that the shape counts from 0. */
export type OwnNames = readonly [tenant: string, role: string, ...schemas: string[]];

export function packRoute(route: TenantRoute): { shape: RouteShape; own: OwnNames } {
  const schemas: string[] = [];
  const numberOf = (name: string): number => {
    const known = schemas.indexOf(name);
    return known === -1 ? schemas.push(name) - 1 : known;
  };
  const { tenant, role, module, state, hold, policy } = route;
  const versions = route.versions.map(({ version, weight, schema, views, dataVersion }) => {
    return { version, weight, schema: numberOf(schema), views: numberOf(views), dataVersion };
  });
  return { shape: { module, state, hold, policy, versions }, own: [tenant, role, ...schemas] };
}

/** @throws RangeError when the list lacks a name that the shape has */
export function unpackRoute(shape: RouteShape, [tenant, role, ...schemas]: OwnNames): TenantRoute {
  const { module, state, hold, policy } = shape;
  const nameOf = (number: number): string => {
    const name = schemas[number];
    if (name === undefined) throw new RangeError(`The route ${tenant}/${module} has no schema number ${number}.`);
    return name;
  };
  const versions = shape.versions.map(({ version, weight, schema, views, dataVersion }) => {
    return { version, weight, schema: nameOf(schema), views: nameOf(views), dataVersion };
  });
  return { tenant, module, state, role, hold, policy, versions };
}

/** How many names the list of a route of this shape has. */
export function namesOf({ versions }: RouteShape): number {
  return 3 + Math.max(...versions.map(({ schema, views }) => Math.max(schema, views)));
}
