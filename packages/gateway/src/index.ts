export { type Gateway, startGateway } from "./gateway.ts";
export type { GatewayState } from "./admin-server.ts";
export type { GatewayOptions, GatewaySettings, Identification, RequiredGatewayOptions } from "./gateway-options.ts";
export { followRouteFeed, type RouteFeedClient } from "./route-feed-client.ts";
export { startReporter, type Reporter } from "./reporter.ts";
export type { RouteEntry } from "./route-entry.ts";
export { type RouteKey, routeKeyOf } from "./route-key.ts";
export { RouteTable } from "./route-table.ts";
