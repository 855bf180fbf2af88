import type { GatewayProblem } from "./problem.ts";

/** A request that fails on its way to the upstream by what its client does. The upstream is not to blame. */
export class ClientFault extends Error {
  readonly problem: GatewayProblem;

  constructor(problem: GatewayProblem) {
    super(problem.detail);
    this.problem = problem;
  }
}
