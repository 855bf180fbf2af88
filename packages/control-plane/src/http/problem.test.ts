import { describe, expect, test } from "vitest";
import { DataLossNotAcceptedError, ERROR_CODES, InvalidRequestError } from "@aibos/contract";
import { DomainError } from "@aibos/domain";
import { ERROR_STATUS } from "./error-status.ts";
import { problemOf } from "./problem.ts";

describe("problemOf", () => {
  test("tells a failure's code, message and own fields", () => {
    const lostWrites = [{ table: "invoices", inserted: 3, updated: 0, deleted: 0, exact: true }];
    const { status, body, unexpected } = problemOf(
      new DataLossNotAcceptedError({ id: "rp_1", version: "1.0.0", createdAt: new Date(0) }, lostWrites),
      "req-1",
    );
    expect(status).toBe(409);
    expect(unexpected).toBe(false);
    expect(body).toEqual({
      type: "urn:aibos:error:AIBOS_DATA_LOSS_NOT_ACCEPTED",
      title: ERROR_CODES.AIBOS_DATA_LOSS_NOT_ACCEPTED,
      status: 409,
      detail: expect.stringContaining("invoices: 3 inserted"),
      code: "AIBOS_DATA_LOSS_NOT_ACCEPTED",
      requestId: "req-1",
      lostWrites,
    });
  });

  test("tells nothing of an error that nobody foresaw", () => {
    const { status, body, unexpected } = problemOf(new Error("password=hunter2 at 10.0.0.7"), "req-2");
    expect(status).toBe(500);
    expect(unexpected).toBe(true);
    expect(JSON.stringify(body)).not.toContain("hunter2");
    expect(body).toMatchObject({ code: "AIBOS_INTERNAL", requestId: "req-2" });
  });

  test("does not let a failure's field pose as a standard member", () => {
    class Posing extends DomainError {
      readonly code = "AIBOS_TENANT_EXISTS";
      readonly status = 200;
      readonly requestId = "another";
    }
    expect(problemOf(new Posing("taken"), "req-3").body).toMatchObject({ status: 409, requestId: "req-3" });
  });

  test("does not tell an error's cause or stack", () => {
    class Caused extends DomainError {
      readonly code = "AIBOS_HOLD_TIMEOUT";
    }
    const { body } = problemOf(new Caused("late", { cause: new Error("secret") }), "req-4");
    expect(Object.keys(body).sort()).toEqual(["code", "detail", "requestId", "status", "title", "type"]);
  });

  test("keeps a code that the contract does not know, and calls for a look at the log", () => {
    class Unlisted extends DomainError {
      readonly code = "AIBOS_UNLISTED";
    }
    expect(problemOf(new Unlisted("odd"), "req-5")).toMatchObject({
      status: 500,
      unexpected: true,
      body: { code: "AIBOS_UNLISTED", detail: "odd" },
    });
  });

  test("names the fields of a request that are wrong", () => {
    const error = new InvalidRequestError([{ path: "labels.tier", message: "too long" }]);
    expect(problemOf(error, "r").body).toMatchObject({
      status: 400,
      issues: [{ path: "labels.tier", message: "too long" }],
    });
  });
});

test("every code of the contract has a status, and no other code has", () => {
  expect(Object.keys(ERROR_STATUS).sort()).toEqual(Object.keys(ERROR_CODES).sort());
});

test("a database that is away is told as that, without its address", () => {
  const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.7:5432"), { code: "ECONNREFUSED" });
  const { status, body, unexpected } = problemOf(refused, "req-1");
  expect([status, body["code"], unexpected]).toEqual([503, "AIBOS_DATABASE_AWAY", false]);
  expect(JSON.stringify(body)).not.toContain("10.0.0.7");
});
