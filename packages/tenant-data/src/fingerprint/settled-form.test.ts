import { describe, expect, it } from "vitest";
import { settledForm } from "./settled-form.ts";

describe("settledForm", () => {
  it.each([
    [
      "CHECK (((mode)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
      "CHECK (((mode)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
    ],
    ["(ARRAY['it''s, [1]'::character varying])::text[]", "ARRAY[('it''s, [1]'::character varying)::text]"],
    [
      "(ARRAY[f(1, 2), x[3]])::character varying(10)[]",
      "ARRAY[(f(1, 2))::character varying(10), (x[3])::character varying(10)]",
    ],
    ["(ARRAY[1])::bigint[] || (ARRAY[2, 3])::bigint[]", "ARRAY[(1)::bigint] || ARRAY[(2)::bigint, (3)::bigint]"],
    ["(ARRAY[(ARRAY['a'::b])::text[]])::c[]", "ARRAY[(ARRAY[('a'::b)::text])::c]"],
    [
      "ANY (ARRAY['a'::character varying, x || y]::text[])",
      "ANY (ARRAY['a'::character varying::text, (x || y)::text])",
    ],
    ["(EXTRACT(YEAR FROM now()) - EXTRACT(Month FROM a))", "(EXTRACT(year FROM now()) - EXTRACT(month FROM a))"],
    ["FUNCTION f()\\nAS $$ select EXTRACT(YEAR FROM a) $$", "FUNCTION f()\\nAS $$ select EXTRACT(YEAR FROM a) $$"],
    ["ARRAY['a'::text, 'b'::text]", "ARRAY['a'::text, 'b'::text]"],
    ["(ARRAY[1, 2])[1]", "(ARRAY[1, 2])[1]"],
    ["'(ARRAY['", "'(ARRAY['"],
  ])("brings %s to %s", (definition, settled) => {
    expect(settledForm(definition)).toBe(settled);
    expect(settledForm(settled)).toBe(settled);
  });
});
