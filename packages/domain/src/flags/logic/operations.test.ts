import { expect, test } from "vitest";
import { FlagSet } from "../flag-set.ts";
import { definitionsOf } from "../testing/definitions-of.ts";

function truthOf(logic: unknown, attributes: Record<string, unknown> = {}, now = 0): unknown {
  const set = new FlagSet(
    "m",
    "1.0.0",
    definitionsOf({
      f: {
        type: "string",
        default: "none",
        variants: { none: "none", true: "true", false: "false" },
        targeting: logic,
      },
    }),
  );
  return set.evaluate("f", { tenant: "t", user: "u", attributes }, now).value;
}

test.each<[string, string | string[], string]>([
  ["10.1.2.3", "10.0.0.0/8", "true"],
  ["11.1.2.3", "10.0.0.0/8", "false"],
  ["192.168.1.130", "192.168.1.128/25", "true"],
  ["192.168.1.127", "192.168.1.128/25", "false"],
  ["::ffff:10.1.2.3", "10.0.0.0/8", "true"],
  ["2001:db8::1", "2001:db8::/32", "true"],
  ["2001:db9::1", "2001:db8::/32", "false"],
  ["10.0.0.1", "2001:db8::/32", "false"],
  ["10.0.0.1", ["2001:db8::/32", "10.0.0.1"], "true"],
  ["1.2.3.4", "0.0.0.0/0", "true"],
  ["no address", "10.0.0.0/8", "none"],
  ["10.0.0.1", "10.0.0.0/33", "none"],
  ["10.0.0.01", "10.0.0.0/8", "none"],
])("in_cidr: %s in %j is %s", (address, network, answer) => {
  expect(truthOf({ in_cidr: [{ var: "ip" }, network] }, { ip: address })).toBe(answer);
});

test.each<[unknown, unknown, string]>([
  ["2027-01-01", "2027-01-02", "true"],
  ["2027-01-02", "2027-01-01T00:00:00Z", "false"],
  ["2027-01-01T01:00:00+02:00", "2027-01-01T00:00:00Z", "true"],
  [0, "1970-01-01T00:00:01Z", "true"],
  ["yesterday", "2027-01-01", "none"],
])("date_before: %j before %j is %s", (a, b, answer) => {
  expect(truthOf({ date_before: [{ var: "a" }, b] }, { a })).toBe(answer);
});

test("the time of the evaluation is a time like any other", () => {
  const rule = { date_after: [{ var: "$flagd.timestamp" }, "2027-01-01T00:00:00Z"] };
  const start = Date.parse("2027-01-01T00:00:00Z");
  expect([truthOf(rule, {}, start - 1_000), truthOf(rule, {}, start + 1_000)]).toEqual(["false", "true"]);
});
