import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Document,
  type Node,
  parseAllDocuments,
  visit,
} from "yaml";
import { ManifestInvalidError, type ManifestProblem } from "./manifest-invalid-error.ts";

type Path = readonly (string | number)[];

/** A manifest's text as YAML: its value, and where each field of it stands. */
export interface ManifestDocument {
  readonly value: unknown;
  /** Place of a field's value, of its name with `"name"`, or of what is nearest to it when it is missing. */
  problemAt(path: Path, message: string, part?: "name" | "value"): ManifestProblem;
}

/** Anchors may be used, but not to blow a small text up into a huge value. */
const MAX_ALIASES = 100;
const MAX_BYTES = 256 * 1024;
const TOO_DEEP = "is nested too deeply";
/** How the library reports, as an error in the text, that the stack was exhausted. */
const STACK_EXHAUSTED = /call stack|Stack overflow/;
/** Indicators in a row nest collections; the library takes seconds for thousands of them. */
const NESTED_INDICATORS = /^[ \t]*(?:[-?:][ \t]+){50}/m;

/** @throws ManifestInvalidError for text that is not one YAML mapping */
export function readManifestDocument(text: string, file: string): ManifestDocument {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw invalid(file, `is larger than ${MAX_BYTES / 1024} KiB; a manifest is a page of text`);
  }
  const lines = new LineCounter();
  const document = parseYaml(text, file, lines);
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  const errors = [...document.errors, ...document.warnings];
  if (errors.some((error) => STACK_EXHAUSTED.test(error.message))) throw invalid(file, TOO_DEEP);
  const syntax = errors.map((error) => ({ ...place(error.pos[0]), path: "", message: error.message }));
  const problems = [
    ...syntax,
    ...attempt(file, () => unusableKeys(document)).map((found) => ({ ...place(found.offset), ...found.problem })),
  ];
  if (problems.length > 0) throw new ManifestInvalidError(file, problems);
  if (!isMap(document.contents)) throw invalid(file, "must be a mapping of fields such as `id: accounting`");

  return {
    value: toValue(document, file),
    problemAt: (path, message, part = "value") => ({
      ...place(offsetOf(document, path, part)),
      path: path.join("."),
      message,
    }),
  };
}

function parseYaml(text: string, file: string, lineCounter: LineCounter): Document.Parsed {
  // The library compares each key with all before it; unusableKeys() does it in linear time.
  const options = { lineCounter, prettyErrors: false, uniqueKeys: false, version: "1.2", schema: "core" } as const;
  if (NESTED_INDICATORS.test(text)) throw invalid(file, TOO_DEEP);
  const documents = attempt(file, () => parseAllDocuments(text, options));
  const [first, second] = "empty" in documents ? [] : documents;
  if (first === undefined) throw invalid(file, "is empty");
  if (second !== undefined) {
    const { line, col: column } = lineCounter.linePos(second.range[0]);
    const message = "a second YAML document begins here; a manifest is one";
    throw new ManifestInvalidError(file, [{ line, column, path: "", message }]);
  }
  return first;
}

function toValue(document: Document.Parsed, file: string): unknown {
  return attempt(file, (): unknown => document.toJS({ maxAliasCount: MAX_ALIASES }));
}

/** The library throws at what would exhaust memory or the stack. */
function attempt<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw invalid(file, error instanceof RangeError ? TOO_DEEP : `can't be read: ${String(error)}`);
  }
}

interface KeyProblem {
  readonly offset: number;
  readonly problem: { readonly path: string; readonly message: string };
}

/** Names given twice, and the one that the rest of the program would silently lose. */
function unusableKeys(document: Document.Parsed): KeyProblem[] {
  const found: KeyProblem[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const name = keyOf(key);
        const message = name === "__proto__" ? "is not a name that can be used" : "is given twice";
        if (seen.has(name) || name === "__proto__") {
          found.push({ offset: startOf(key) ?? 0, problem: { path: name, message } });
        }
        seen.add(name);
      }
    },
  });
  return found;
}

function offsetOf(document: Document.Parsed, path: Path, part: "name" | "value"): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, segment] of path.entries()) {
    const resolved = isAlias(node) ? node.resolve(document) : node;
    let name: unknown;
    if (isMap(resolved)) {
      const pair = resolved.items.find(({ key }) => keyOf(key) === String(segment));
      name = pair?.key;
      node = pair?.value;
    } else {
      node = isSeq(resolved) ? resolved.items[Number(segment)] : undefined;
    }
    const last = index === path.length - 1;
    // A field that is missing is looked for where its parent's name stands.
    offset = (last && part === "value" ? startOf(node) : undefined) ?? startOf(name) ?? startOf(node) ?? offset;
  }
  return offset;
}

function keyOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? rangeOf(node)?.[0] : undefined;
}

function rangeOf(node: Node): readonly number[] | null | undefined {
  return node.range;
}

function invalid(file: string, message: string): ManifestInvalidError {
  return new ManifestInvalidError(file, [{ line: 1, column: 1, path: "", message }]);
}
