export { type Gateway, startGateway } from "./gateway.ts";
export type { GatewayState } from "./admin-server.ts";
export type { GatewayOptions, GatewaySettings, Identification, RequiredGatewayOptions } from "./gateway-options.ts";
