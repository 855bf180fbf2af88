import { describe, expect, test } from "vitest";
import { traceContextOf } from "./trace-context.ts";

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("a trace", () => {
  test("that a client began goes on as it is", () => {
    expect(traceContextOf({ traceparent: PARENT, tracestate: "a=1,b=2" }, 0)).toEqual({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      parent: PARENT,
      state: "a=1,b=2",
      isNew: false,
    });
  });

  test("of a later version of the specification goes on, too", () => {
    const later = PARENT.replace("00-", "cc-");
    expect(traceContextOf({ traceparent: `${later}-what-it-may-be` }, 0).parent).toBe(`${later}-what-it-may-be`);
  });

  test.each([
    undefined,
    "",
    PARENT.toUpperCase(),
    PARENT.replace("00-", "ff-"),
    PARENT.replace(/-0af.*9c-/, `-${"0".repeat(32)}-`),
    PARENT.replace("b7ad6b7169203331", "0".repeat(16)),
    `${PARENT}-more`,
    PARENT.slice(0, -1),
  ])("that is %j begins anew, without the old one's state", (traceparent) => {
    const headers = { tracestate: "a=1", ...(traceparent !== undefined && { traceparent }) };
    const [one, two] = [traceContextOf(headers, 1), traceContextOf(headers, 0)];
    expect(one.parent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(two.parent).toMatch(/-00$/);
    expect(one.parent).toContain(one.traceId);
    expect(one.traceId).not.toBe(two.traceId);
    expect(one.state).toBeUndefined();
  });
});
