import { DomainError } from "@aibos/domain";
import type { TenantContextRefusal } from "@aibos/contract";

const DETAIL: Record<TenantContextRefusal | "another-version", string> = {
  missing: "The request has no tenant context. Send it through the gateway.",
  malformed: "The request's tenant context can't be read. Send the request through the gateway.",
  "wrong-signature": "The request's tenant context is not signed for this version of this module.",
  expired: "The request's tenant context has expired. Send the request through the gateway again.",
  "another-version": "The request's tenant context is for another version or another module.",
};

/** A request does not prove whom it is for: 401. */
export class TenantContextError extends DomainError {
  readonly code = "AIBOS_TENANT_CONTEXT";
  readonly reason: TenantContextRefusal | "another-version";

  constructor(reason: TenantContextRefusal | "another-version") {
    super(DETAIL[reason]);
    this.reason = reason;
  }
}
