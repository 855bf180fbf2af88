import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInstallationId, parseInstallationId } from "./installation-id.ts";
import { isModuleId, parseModuleId } from "./module-id.ts";
import { isTenantId, parseTenantId } from "./tenant-id.ts";

const REFUSED = [
  ["nothing", ""],
  ["upper case", "Acme"],
  ["a digit first", "1acme"],
  ["a dash first", "-acme"],
  ["a dash last", "acme-"],
  ["two dashes in a row", "ac--me"],
  ["an underscore", "ac_me"],
  ["a dot", "acme.de"],
  ["a slash", "acme/../other"],
  ["a quote", 'acme"; drop schema public; --'],
  ["a letter that only looks like one", "аcme"],
  ["an accent", "café"],
  ["a NUL", "acme\0"],
  ["a line break after", "acme\n"],
  ["blanks", " acme "],
  ["41 characters", "a".repeat(41)],
  ["a huge text", "a".repeat(1_000_000)],
] as const;

/** Line breaks, terminal control, a turn of the writing direction, half a character, and some that are harmless. */
const HOSTILE = ["\0", "\n", "\u001B", "\u007F", "\u009B", "\u202E", "\u2028", "\uD800", '"', "\\", "\u{E0001}", "a"];

describe.each([
  ["tenant", isTenantId, parseTenantId, '"acme-gmbh"'],
  ["module", isModuleId, parseModuleId, '"accounting"'],
] as const)("a %s's identifier", (kind, is, parse, example) => {
  it.each(["a", "acme", "acme-gmbh", "a1-2-b3", "a".repeat(40)])("may be %s", (text) => {
    expect(is(text)).toBe(true);
    expect(parse(text)).toBe(text);
  });

  it.each(REFUSED)("is refused with %s", (_, text) => {
    expect(is(text)).toBe(false);
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: "AIBOS_INVALID_IDENTIFIER", name: "InvalidIdentifierError", kind, value: text }),
    );
  });

  it("is refused with a message that tells the rule and an example", () => {
    expect(() => parse("Acme")).toThrow(
      `"Acme" is not a valid ${kind} identifier. Use 1 to 40 lower-case letters, digits and single dashes, starting ` +
        `with a letter and not ending with a dash, such as ${example}.`,
    );
  });

  it("is refused in one short printable line, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...HOSTILE), maxLength: 100 }), (text) => {
        fc.pre(!is(text));
        const message = messageOf(() => parse(text));
        expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(message.length).toBeLessThan(800);
      }),
    );
  });
});

describe("an installation's identifier", () => {
  it("is 8 hexadecimal digits", () => {
    expect(parseInstallationId("00c0ffee")).toBe("00c0ffee");
  });

  it.each(["", "00C0FFEE", "00c0ffe", "00c0ffee0", "00c0ffeg", "00c0ffee\n"])("is not %j", (text) => {
    expect(isInstallationId(text)).toBe(false);
    expect(() => parseInstallationId(text)).toThrow("It is 8 hexadecimal digits in lower case.");
  });
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error("nothing was thrown");
}
