import { Document, isAlias, isCollection, isMap, isNode, isScalar, isSeq, type Node, Pair, Scalar, visit } from "yaml";
import type { DocumentText } from "./document-text.ts";
import { isList, isMap as isJsonMap, type JsonValue, propertyOf, sameJson } from "./json-value.ts";
import { itemsByKey, type MergeShape } from "./merge-shape.ts";
import { keyOf } from "./read-yaml.ts";

interface YamlSources {
  readonly base?: DocumentText;
  readonly ours?: DocumentText;
  readonly theirs?: DocumentText;
}

/** A value with its node, in one of the three texts. */
interface Part {
  readonly node: unknown;
  readonly value: JsonValue | undefined;
}

interface Parts {
  readonly base: Part;
  readonly ours: Part;
  readonly theirs: Part;
}

const NOTHING: Part = { node: undefined, value: undefined };

/** Writes a value as YAML: ours' nodes where they say it, theirs' where they do, and new ones elsewhere. */
export function writeYaml(value: JsonValue, { base, ours, theirs }: YamlSources, shape: MergeShape): string {
  // What was JSON until now starts from the vendor's text.
  const start = ours?.yaml === undefined ? theirs : ours;
  const document = start?.yaml === undefined ? new Document() : withoutAliases(start.yaml);
  const parts = { base: partOf(base), ours: { node: document.contents, value: start?.value }, theirs: partOf(theirs) };
  const contents = nodeFor(document, value, parts, shape);
  document.contents = contents as typeof document.contents;
  mergeComments(document, base?.yaml, theirs?.yaml);
  return document.toString({ lineWidth: 0, ...indentsOf(start?.text ?? "") });
}

function partOf(text: DocumentText | undefined): Part {
  if (text?.yaml === undefined) return { node: undefined, value: text?.value };
  return { node: withoutAliases(text.yaml).contents, value: text.value };
}

/** A copy in which each alias is what it stands for, so that a change of one place changes no other. */
function withoutAliases(original: Document): Document {
  const document = original.clone();
  visit(document, { Alias: (_, alias) => alias.resolve(document)?.clone() as Node | undefined });
  visit(document, {
    Node: (_, node) => {
      if (!isAlias(node)) delete node.anchor;
    },
  });
  return document;
}

function nodeFor(document: Document, value: JsonValue, parts: Parts, shape: MergeShape): Node {
  const node = pickNode(document, value, parts, shape);
  if (isNode(parts.ours.node) && isNode(node)) mergeComments(node, parts.base.node, parts.theirs.node);
  return node;
}

function pickNode(document: Document, value: JsonValue, parts: Parts, shape: MergeShape): Node {
  const { ours, theirs } = parts;
  if (isCollection(ours.node) && isJsonMap(value) && isMap(ours.node)) return changeMap(document, value, parts, shape);
  if (isSeq(ours.node) && isList(value)) return changeList(document, value, parts, shape);
  if (isNode(ours.node) && sameJson(ours.value, value)) return ours.node;
  if (isNode(theirs.node) && sameJson(theirs.value, value)) {
    const taken = theirs.node.clone() as Node;
    if (isScalar(ours.node) && isScalar(taken)) keepComments(taken, ours.node);
    return taken;
  }
  const made = document.createNode(value) as Node;
  if (isScalar(ours.node) && isScalar(made)) keepLooks(made, ours.node);
  return made;
}

function changeMap(
  document: Document,
  value: { readonly [key: string]: JsonValue },
  parts: Parts,
  shape: MergeShape,
): Node {
  const { base, ours, theirs } = parts;
  if (!isMap(ours.node)) return document.createNode(value) as Node;
  const [olds, mine, news] = [pairsOf(base.node), pairsOf(ours.node), pairsOf(theirs.node)];
  ours.node.items = Object.entries(value).map(([key, child]) => {
    const pair = mine.get(key);
    const at = (part: Part, pairs: Map<string, Pair>): Part => ({
      node: pairs.get(key)?.value,
      value: isJsonMap(part.value) ? propertyOf(part.value, key) : undefined,
    });
    const inside = { base: at(base, olds), ours: at(ours, mine), theirs: at(theirs, news) };
    const node = nodeFor(document, child, inside, shape.property(key));
    const name = pair?.key ?? news.get(key)?.key ?? new Scalar(key);
    if (pair !== undefined) mergeComments(name, olds.get(key)?.key, news.get(key)?.key);
    return new Pair(name, node);
  });
  return ours.node;
}

function pairsOf(node: unknown): Map<string, Pair> {
  return new Map(isMap(node) ? node.items.map((pair) => [keyOf(pair.key), pair] as const) : []);
}

function changeList(document: Document, value: readonly JsonValue[], parts: Parts, shape: MergeShape): Node {
  const { base, ours, theirs } = parts;
  if (!isSeq(ours.node)) return document.createNode(value) as Node;
  const keys = [...(itemsByKey(value, shape)?.keys() ?? value.map((_, index) => String(index)))];
  const [olds, mine, news] = [itemsOf(base, shape), itemsOf(ours, shape), itemsOf(theirs, shape)];
  ours.node.items = value.map((item, index) => {
    const key = keys[index] ?? "";
    const at = (items: Map<string, Part>): Part => items.get(key) ?? NOTHING;
    return nodeFor(document, item, { base: at(olds), ours: at(mine), theirs: at(news) }, shape.item());
  });
  return ours.node;
}

/** The items of a list by key, or by number where they have none. */
function itemsOf({ node, value }: Part, shape: MergeShape): Map<string, Part> {
  if (!isSeq(node) || !isList(value)) return new Map();
  const keys = [...(itemsByKey(value, shape)?.keys() ?? value.map((_, index) => String(index)))];
  return new Map(keys.map((key, index) => [key, { node: node.items[index], value: value[index] }]));
}

function keepLooks(made: Scalar, old: Scalar): void {
  keepComments(made, old);
  if (typeof made.value === "string" && typeof old.value === "string" && old.type !== undefined) made.type = old.type;
}

function keepComments(made: Scalar, old: Scalar): void {
  for (const field of ["comment", "commentBefore", "spaceBefore"] as const) {
    if (old[field] !== undefined) Object.assign(made, { [field]: old[field] });
  }
}

/** Comments are merged three ways as well: the vendor's where the tenant has the old one. */
function mergeComments(node: unknown, base: unknown, theirs: unknown): void {
  const mine = node as Record<string, unknown> | null;
  if (mine === null || typeof mine !== "object" || base === undefined || theirs === undefined) return;
  for (const field of ["comment", "commentBefore"]) {
    const [old, new_] = [commentOf(base, field), commentOf(theirs, field)];
    if (commentOf(mine, field) === old && old !== new_) mine[field] = new_;
  }
}

function commentOf(node: unknown, field: string): string | undefined {
  const comment = typeof node === "object" && node !== null ? (node as Record<string, unknown>)[field] : undefined;
  return typeof comment === "string" ? comment : undefined;
}

/** As the text does it: spaces of the first line that is indented, and whether lists in maps are. */
function indentsOf(text: string): { indent: number; indentSeq: boolean } {
  const spaces = /^( +)[^\s#]/m.exec(text)?.[1]?.length ?? 2;
  const flush = /^([ ]*)[^\s#-][^\n]*:[ ]*(?:#[^\n]*)?\n(?:[ ]*#[^\n]*\n)*\1- /m.test(text);
  return { indent: Math.min(Math.max(spaces, 1), 8), indentSeq: !flush };
}
