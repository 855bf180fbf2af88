import { DomainError } from "@aibos/domain";

/** A port that the gateway should listen on is used by another program. */
export class PortTakenError extends DomainError {
  readonly code = "AIBOS_PORT_TAKEN";
  readonly port: number;
  constructor(host: string, port: number, setting: string, cause: unknown) {
    super(
      `Port ${port} at ${host} is used by another program. Stop that program, or choose another port with ${setting}.`,
      { cause },
    );
    this.port = port;
  }
}

/** The environment does not describe a gateway that can run. `problems` has one line for each setting. */
export class GatewayConfigError extends DomainError {
  readonly code = "AIBOS_CONFIG_INVALID";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The gateway can't start with these settings: ${problems.join("; ")}`);
    this.problems = problems;
  }
}

/** The control plane sent something that is not the route feed. */
export class FeedError extends DomainError {
  readonly code = "AIBOS_GATEWAY_FEED";
}
