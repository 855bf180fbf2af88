import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeValues, valueAt } from "./change-values.ts";
import type { Conflict, Decision } from "./conflict.ts";
import { formatPath, parsePath } from "./document-path.ts";
import { compileDocumentSchema } from "./document-schema.ts";
import { canonicalJson, isMap, type JsonValue, sameJson } from "./json-value.ts";
import { mergeDocument } from "./merge-document.ts";
import { itemsByKey, type MergeShape } from "./merge-shape.ts";
import { documents, MIXED_SCHEMA } from "./testing/arbitrary-documents.ts";

const { shape } = MIXED_SCHEMA;
const schema = MIXED_SCHEMA;

function placesOf(conflicts: readonly Conflict[]): string[] {
  return conflicts.map(({ path }) => formatPath(path)).sort();
}

/** All places of a document that are merged by themselves, as texts of paths, and their values. */
function leaves(value: JsonValue | undefined, at: MergeShape, path: readonly string[] = []): Map<string, JsonValue> {
  const found = new Map<string, JsonValue>();
  const keyed = Array.isArray(value) ? itemsByKey(value, at) : undefined;
  const add = (segment: string, child: JsonValue, childShape: MergeShape): void => {
    for (const [place, leaf] of leaves(child, childShape, [...path, segment])) found.set(place, leaf);
  };
  if (keyed !== undefined) for (const [segment, item] of keyed) add(segment, item, at.item());
  else if (isMap(value) && at.map === "merge") {
    for (const [key, child] of Object.entries(value)) {
      add(
        formatPath([key.replaceAll("~", "~0").replaceAll("/", "~1").replace(/^\[/, "~2")]).slice(1),
        child,
        at.property(key),
      );
    }
  } else if (value !== undefined) found.set(formatPath(path), value);
  return found;
}

function isCovered(place: string, lines: readonly string[]): boolean {
  return lines.some((line) => place === line || place.startsWith(`${line}/`) || line.startsWith(`${place}/`));
}

describe("merging a document", () => {
  it("is the identity when nobody changed anything", () => {
    fc.assert(
      fc.property(documents, (document) => {
        expect(mergeDocument({ base: document, ours: document, theirs: document, schema })).toEqual({
          value: document,
          conflicts: [],
          report: [],
        });
      }),
    );
  });

  it("takes what one side alone changed, to the order of its keys", () => {
    fc.assert(
      fc.property(documents, documents, (base, changed) => {
        for (const [ours, theirs] of [
          [base, changed],
          [changed, base],
        ] as const) {
          const { value, conflicts } = mergeDocument({ base, ours, theirs, schema });
          expect(conflicts).toEqual([]);
          expect(JSON.stringify(value)).toBe(sameJson(base, changed) ? JSON.stringify(ours) : JSON.stringify(changed));
        }
      }),
    );
  });

  it("takes what both sides changed alike", () => {
    fc.assert(
      fc.property(documents, documents, (base, changed) => {
        const merged = mergeDocument({ base, ours: changed, theirs: changed, schema });
        expect([merged.value, merged.conflicts]).toEqual([changed, []]);
      }),
    );
  });

  it("finds the same conflicts whoever is asked first", () => {
    fc.assert(
      fc.property(documents, documents, documents, (base, ours, theirs) => {
        const there = mergeDocument({ base, ours, theirs, schema }).conflicts;
        const back = mergeDocument({ base, ours: theirs, theirs: ours, schema }).conflicts;
        expect(placesOf(there)).toEqual(placesOf(back));
        expect(there.map(({ kind }) => kind).sort()).toEqual(back.map(({ kind }) => kind).sort());
      }),
      { numRuns: 500 },
    );
  });

  it("comes to the same however often it is done, and again from what it made", () => {
    const take = fc.constantFrom("tenant" as const, "vendor" as const);
    fc.assert(
      fc.property(documents, documents, documents, take, (base, ours, theirs, taken) => {
        const decide = (): Decision => ({ take: taken });
        const once = mergeDocument({ base, ours, theirs, schema, decide });
        expect(mergeDocument({ base, ours, theirs, schema, decide })).toEqual(once);
        const again = mergeDocument({ base: theirs, ours: once.value, theirs, schema });
        expect([again.value, again.conflicts]).toEqual([once.value, []]);
        const back = mergeDocument({ base, ours: once.value, theirs: once.value, schema });
        expect([back.value, back.conflicts]).toEqual([once.value, []]);
      }),
    );
  });

  it("comes to the same for every tenant, in whatever order they are merged and decide for each other", () => {
    const keyOf = ({ kind, path, ...of }: Conflict): string =>
      [kind, formatPath(path), ...[of.base, of.ours, of.theirs].map(canonicalJson)].join("\n");
    const mergeAll = (base: JsonValue, theirs: JsonValue, tenants: readonly JsonValue[]): Map<string, string> => {
      // Who meets a conflict first decides it by what is in it, for all others.
      const recorded = new Map<string, Decision>();
      const decide = (conflict: Conflict): Decision => {
        const key = keyOf(conflict);
        const decision = recorded.get(key) ?? { take: key.length % 2 === 0 ? "tenant" : "vendor" };
        recorded.set(key, decision);
        return decision;
      };
      const merged = tenants.map((ours) => mergeDocument({ base, ours, theirs, schema, decide }).value);
      return new Map(tenants.map((ours, index) => [canonicalJson(ours), canonicalJson(merged[index])]));
    };
    fc.assert(
      fc.property(
        documents,
        documents,
        fc.array(documents, { minLength: 2, maxLength: 4 }),
        (base, theirs, tenants) => {
          expect(mergeAll(base, theirs, tenants.toReversed())).toEqual(mergeAll(base, theirs, tenants));
        },
      ),
    );
  });

  it("changes none of the documents that it is given", () => {
    fc.assert(
      fc.property(documents, documents, documents, (base, ours, theirs) => {
        const before = JSON.stringify([base, ours, theirs]);
        mergeDocument({ base, ours, theirs, schema, decide: () => ({ take: "vendor" }) });
        expect(JSON.stringify([base, ours, theirs])).toBe(before);
      }),
    );
  });

  it("never loses a change of either side without a conflict or a line of the report", () => {
    fc.assert(
      fc.property(documents, documents, documents, (base, ours, theirs) => {
        const { value, conflicts, report } = mergeDocument({ base, ours, theirs, schema });
        const lines = [
          ...conflicts.flatMap(({ path, movedTo }) => [path, movedTo ?? path]),
          ...report.map(({ path }) => path),
        ];
        const covered = lines.map(formatPath);
        const [old, merged] = [leaves(base, shape), leaves(value, shape)];
        const lost = [leaves(ours, shape), leaves(theirs, shape)].flatMap((side) =>
          [...new Set([...old.keys(), ...side.keys()])].filter((place) => {
            const changed = !sameJson(old.get(place), side.get(place));
            return changed && !sameJson(merged.get(place), side.get(place)) && !isCovered(place, covered);
          }),
        );
        expect(lost).toEqual([]);
        // The tenant's in particular is in the merged document as it was, wherever nobody disagreed.
        const kept = report.filter(({ outcome, detail }) => outcome === "kept" && detail !== "order");
        for (const { path } of kept) expect(valueAt(value, path, shape)).toEqual(valueAt(ours, path, shape));
      }),
      { numRuns: 500 },
    );
  });

  it("has the tenant's changes all when every conflict is the tenant's, and the vendor's when it is the vendor's", () => {
    fc.assert(
      fc.property(documents, documents, documents, (base, ours, theirs) => {
        for (const [side, take] of [
          [ours, "tenant"],
          [theirs, "vendor"],
        ] as const) {
          const conflicts = new Set(placesOf(mergeDocument({ base, ours, theirs, schema }).conflicts));
          const { value, conflicts: left } = mergeDocument({ base, ours, theirs, schema, decide: () => ({ take }) });
          expect(left).toEqual([]);
          const [old, wanted, merged] = [leaves(base, shape), leaves(side, shape), leaves(value, shape)];
          const missing = [...wanted].filter(([place, leaf]) => {
            const changed = !sameJson(old.get(place), leaf) && !isCovered(place, [...conflicts]);
            return changed && !sameJson(merged.get(place), leaf);
          });
          expect(missing).toEqual([]);
        }
      }),
    );
  });

  it("makes a valid document, or says in a conflict where it is not", () => {
    const strict = compileDocumentSchema({
      type: "object",
      properties: {
        title: { type: ["string", "integer"] },
        tags: { type: "array", maxItems: 3, "x-aibos-merge": "set" },
        steps: { type: "array", "x-aibos-merge-key": "id", maxItems: 4 },
      },
      anyOf: [{ required: ["title"] }, { required: ["tags"] }, { required: ["free"] }],
    });
    fc.assert(
      fc.property(
        documents,
        documents,
        documents,
        fc.constantFrom("tenant", "vendor", undefined),
        (base, ours, theirs, take) => {
          fc.pre(strict.validate(theirs).length === 0);
          const decide = (): Decision | undefined => (take === undefined ? undefined : { take });
          const { value, conflicts } = mergeDocument({ base, ours, theirs, schema: strict, decide });
          expect(strict.validate(value).length === 0 || conflicts.length > 0).toBe(true);
          if (conflicts.some(({ kind }) => kind !== "schema")) return;
          const violations = strict.validate(value).map(({ path }) => formatPath(path));
          expect(placesOf(conflicts)).toEqual(violations.sort());
        },
      ),
    );
  });
});

describe("places of a document", () => {
  it("are found again by their paths", () => {
    fc.assert(
      fc.property(documents, (document) => {
        for (const [place, leaf] of leaves(document, shape)) {
          const path = parsePath(place);
          expect(path && valueAt(document, path, shape)).toEqual(leaf);
        }
      }),
    );
  });

  it("can be changed one by one or all at once, and nothing else changes", () => {
    fc.assert(
      fc.property(documents, documents, (from, to) => {
        const [old, wanted] = [leaves(from, shape), leaves(to, shape)];
        const path = (place: string): readonly string[] => parsePath(place) ?? [];
        const changes = [...wanted]
          .filter(([place]) => old.has(place))
          .map(([place, value]) => ({ path: path(place), value }));
        const atOnce = changeValues(from, changes, shape);
        const oneByOne = changes.reduce<JsonValue | undefined>(
          (value, change) => changeValues(value, [change], shape),
          from,
        );
        expect(atOnce).toEqual(oneByOne);
        for (const { path: at, value } of changes) expect(valueAt(atOnce, at, shape)).toEqual(value);
      }),
    );
  });
});
