import type { ModuleId } from "../identifiers/module-id.ts";
import type { Cause, Incompatibility } from "./incompatibility.ts";
import { ABSENT, type ModuleUniverse, type VersionSet } from "./module-universe.ts";

/**
 * Tells, sentence by sentence, how an incompatibility follows from facts. What is needed again later has a number.
 *
 * Source: the error reporting of PubGrub, in the documentation of Dart's `pub`.
 */
export function explainDerivation(failure: Incompatibility, universe: ModuleUniverse): string[] {
  const sentences: string[] = [];
  const numbers = new Map<Incompatibility, number>();
  const uses = countUses(failure);
  const told = new Set<Incompatibility>();

  const reference = (one: Incompatibility): string => {
    const number = numbers.get(one);
    return `${describe(one, universe)}${number === undefined ? "" : ` (${number})`}`;
  };
  const say = (one: Incompatibility, because: string): void => {
    if ((uses.get(one) ?? 0) > 1 || numbers.has(one)) numbers.set(one, numbers.get(one) ?? numbers.size + 1);
    const number = numbers.get(one);
    sentences.push(`${because}, ${describe(one, universe)}${number === undefined ? "." : ` (${number}).`}`);
    told.add(one);
  };
  const tell = (one: Incompatibility): void => {
    if (one.cause.kind !== "derived" || told.has(one)) return;
    const [first, second] = one.cause.from;
    const derived = [first, second].filter(({ cause }) => cause.kind === "derived");
    const facts = [first, second].filter(({ cause }) => cause.kind !== "derived");
    const [deeper, other] = derived;
    if (deeper === undefined) {
      say(one, `Because ${reference(first)} and ${reference(second)}`);
    } else if (other === undefined) {
      const wasTold = told.has(deeper);
      tell(deeper);
      const [fact] = facts;
      const because = fact === undefined ? "" : reference(fact);
      say(one, wasTold ? `Because ${because} and ${reference(deeper)}` : `And because ${because}`);
    } else {
      tell(other);
      if (!numbers.has(other)) number(other);
      const wasTold = told.has(deeper);
      tell(deeper);
      say(one, wasTold ? `Because ${reference(deeper)} and ${reference(other)}` : `And because ${reference(other)}`);
    }
  };
  /** Gives a sentence that was said its number after all. */
  const number = (one: Incompatibility): void => {
    numbers.set(one, numbers.size + 1);
    const last = sentences.length - 1;
    const sentence = sentences[last];
    if (sentence !== undefined) sentences[last] = sentence.replace(/\.$/, ` (${numbers.get(one) ?? ""}).`);
  };

  if (failure.cause.kind === "derived") tell(failure);
  else sentences.push(`${capital(describe(failure, universe))}, so there is no solution.`);
  return sentences;
}

function countUses(failure: Incompatibility): Map<Incompatibility, number> {
  const uses = new Map<Incompatibility, number>();
  const count = (one: Incompatibility): void => {
    const before = uses.get(one) ?? 0;
    uses.set(one, before + 1);
    if (before === 0 && one.cause.kind === "derived") one.cause.from.forEach(count);
  };
  count(failure);
  return uses;
}

function describe({ terms, cause }: Incompatibility, universe: ModuleUniverse): string {
  if (cause.kind !== "derived") return describeFact(cause, terms, universe);
  if (terms.size === 0) return "there is no solution";
  const all = [...terms];
  const not = all.filter(([, set]) => (set & ABSENT) !== 0n);
  const those = all.filter(([, set]) => (set & ABSENT) === 0n).map(([module, set]) => name(module, set, universe));
  const needed = not.map(([module, set]) => name(module, universe.full(module) ^ set, universe)).join(" or ");
  if (those.length === 0) return `${needed} is needed`;
  if (needed === "") return those.length === 1 ? `${those[0] ?? ""} can't be used` : `${join(those)} don't go together`;
  return `${join(those)} ${those.length === 1 ? "needs" : "together need"} ${needed}`;
}

function describeFact(
  cause: Exclude<Cause, { kind: "derived" }>,
  terms: Incompatibility["terms"],
  universe: ModuleUniverse,
): string {
  const { module } = cause;
  switch (cause.kind) {
    case "dependency": {
      const published = universe.inRange(cause.needs, cause.range) === 0n ? " (of which no version is published)" : "";
      return `${name(module, terms.get(module) ?? 0n, universe)} needs ${cause.needs} ${cause.range}${published}`;
    }
    case "used":
      return `the tenant uses ${module}`;
    case "stays":
      return `${module} stays at ${cause.version}`;
    case "no-way-back":
      return `${module} is at ${cause.version} and does not go back`;
    case "wanted":
      return `${module} ${cause.range} is wanted`;
  }
}

/** A module with some of its versions, in the shortest way to say it. */
function name(module: ModuleId, set: VersionSet, universe: ModuleUniverse): string {
  const all = universe.versions(module);
  const members = universe.members(module, set);
  const [first, last] = [members[0], members.at(-1)];
  if (first === undefined || last === undefined) return `no version of ${module}`;
  if (members.length === all.length) return all.length === 1 ? `${module} ${first}` : `every version of ${module}`;
  if (members.length === 1) return `${module} ${first}`;
  const start = all.indexOf(first);
  const together = all.slice(start, start + members.length).at(-1) === last;
  if (!together) return `${module} ${members.join(" or ")}`;
  if (last === all.at(-1)) return `${module} >=${first}`;
  if (first === all[0]) return `${module} <=${last}`;
  return `${module} >=${first} <=${last}`;
}

function join(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join("") : `${texts.slice(0, -1).join(", ")} and ${texts.at(-1) ?? ""}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
