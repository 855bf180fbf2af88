import { DomainError } from "@aibos/domain";

/** Failures of a request itself. */

export class InvalidRequestError extends DomainError {
  readonly code = "AIBOS_INVALID_REQUEST";
  readonly issues: readonly { path: string; message: string }[];
  constructor(issues: readonly { path: string; message: string }[]) {
    super(issues.map((issue) => `${issue.path === "" ? "request" : issue.path}: ${issue.message}`).join("; "));
    this.issues = issues;
  }
}

export class UnauthorizedError extends DomainError {
  readonly code = "AIBOS_UNAUTHORIZED";
  constructor(reason: "missing" | "wrong") {
    super(
      reason === "missing"
        ? 'This route needs a token: send "Authorization: Bearer <token>". Locally it is in the file "token" of the data folder.'
        : 'The token is not the right one. Locally it is in the file "token" of the data folder; set AIBOS_TOKEN elsewhere.',
    );
  }
}

export class RouteNotFoundError extends DomainError {
  readonly code = "AIBOS_ROUTE_NOT_FOUND";
  constructor(method: string, path: string) {
    super(`The API has no ${method} ${path}. Its routes are described at /docs and /openapi.json.`);
  }
}

export class TooLargeError extends DomainError {
  readonly code = "AIBOS_TOO_LARGE";
  constructor(limitBytes: number) {
    super(`The request's body is larger than ${limitBytes} bytes.`);
  }
}

export class ConfigInvalidError extends DomainError {
  readonly code = "AIBOS_CONFIG_INVALID";
}

export class PortTakenError extends DomainError {
  readonly code = "AIBOS_PORT_TAKEN";
  readonly port: number;
  /** @param setting how the port is chosen, for people */
  constructor(host: string, port: number, setting: string, cause?: unknown) {
    super(
      `Port ${port} of ${host} is used by another program. Stop that one, or choose another port with ${setting}.`,
      { cause },
    );
    this.port = port;
  }
}

/** A failure that a server reported: what the client throws for each problem+json that it gets. */
export class RemoteError extends DomainError {
  readonly code: string;
  readonly status: number;
  readonly requestId: string | null;
  /** The failure's own fields, such as `problems` or `lostWrites`. */
  readonly fields: Readonly<Record<string, unknown>>;
  constructor(failure: {
    code: string;
    message: string;
    status: number;
    requestId: string | null;
    fields: Readonly<Record<string, unknown>>;
  }) {
    super(failure.message);
    this.code = failure.code;
    this.status = failure.status;
    this.requestId = failure.requestId;
    this.fields = failure.fields;
  }
}

export class ConnectionRefusedError extends DomainError {
  readonly code = "AIBOS_CONNECTION_REFUSED";
  constructor(url: string, cause: unknown) {
    super(
      `No AI-BOS server answers at ${url}. Start one with "aibos-versions up", or name another with --url (AIBOS_URL).`,
      { cause },
    );
  }
}
