import { DomainError } from "@aibos/domain";

/** The port that PostgreSQL was to listen on is used by another program. */
export class PostgresPortTakenError extends DomainError {
  readonly code = "AIBOS_PORT_TAKEN";
  readonly port: number;
  constructor(port: number) {
    super(
      `Port ${port} at 127.0.0.1, meant for PostgreSQL, is used by another program. Stop that program, or choose another ` +
        `port with --postgres-port.`,
    );
    this.port = port;
  }
}
