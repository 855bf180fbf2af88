/** Names a route inside the gateway: `<tenant>/<module>`. Neither part can hold a slash, so no two routes share one. */
export type RouteKey = `${string}/${string}`;

export function routeKeyOf(tenant: string, module: string): RouteKey {
  return `${tenant}/${module}`;
}
