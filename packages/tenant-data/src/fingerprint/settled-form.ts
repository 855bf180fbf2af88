/**
 * The form in which a definition stays when PostgreSQL writes it and reads it again. `name in ('a', 'b')` on a varchar
 * is kept as an array that is cast, written `(ARRAY['a'::character varying, …])::text[]`, and read again as an array of
 * cast elements, `ARRAY[('a'::character varying)::text, …]`, which means the same. So does the unit of an `extract`,
 * whose letters are kept where it was given as a string. A schema and its copy, or one that was restored from a dump, so
 * read the same.
 */
export function settledForm(definition: string): string {
  // The body of a function is as it was written.
  let text = definition.includes("\\nAS $")
    ? definition
    : definition.replaceAll(/(?<=\bEXTRACT\()\w+(?= FROM )/g, (unit) => unit.toLowerCase());
  // From the end: what is inside an array is settled before the array is.
  for (let at = text.lastIndexOf(ARRAY); at !== -1; at = at === 0 ? -1 : text.lastIndexOf(ARRAY, at - 1)) {
    const elements = splitElements(text, at + ARRAY.length);
    if (elements === undefined) continue;
    const rest = text.slice(elements.end);
    // In parentheses, or without as where PostgreSQL writes prettily.
    const closed = text[at - 1] === "(" && rest.startsWith(")");
    const cast = CAST.exec(closed ? rest.slice(1) : rest);
    if (cast === null) continue;
    const type = cast[1] ?? "";
    const pushed = elements.list.map((element) =>
      closed || !SIMPLE.test(element) ? `(${element})::${type}` : `${element}::${type}`,
    );
    const begin = closed ? at - 1 : at;
    const end = elements.end + (closed ? 1 : 0) + cast[0].length;
    text = `${text.slice(0, begin)}ARRAY[${pushed.join(", ")}]${text.slice(end)}`;
  }
  return text;
}

const ARRAY = "ARRAY[";
const CAST =
  /^::((?:"(?:[^"]|"")+"|[\w.]+|\\"[^"]+\\")(?: (?:varying|precision|with(?:out)? time zone))?(?:\([\d,]+\))?)\[\]/;
/** What needs no parentheses before a cast: a constant, a name or a call, cast or not. */
const SIMPLE = /^(?:'(?:[^']|'')*'|[\w.]+(?:\([^()]*\))?)(?:::[\w. ]+)*$/;

/** Elements of an array from behind its bracket; undefined when it does not end. `end` is behind the closing bracket. */
function splitElements(text: string, from: number): { list: string[]; end: number } | undefined {
  const list: string[] = [];
  let depth = 0;
  let begin = from;
  for (let at = from; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === "'") {
      // A doubled quote is the end of one string and the begin of another, which comes to the same.
      at = text.indexOf("'", at + 1);
      if (at === -1) return undefined;
    } else if (sign === "[" || sign === "(") depth += 1;
    else if (depth === 0 && (sign === "," || sign === "]")) {
      list.push(text.slice(begin, at).trim());
      if (sign === "]") return { list, end: at + 1 };
      begin = at + 1;
    } else if (sign === "]" || sign === ")") depth -= 1;
  }
  return undefined;
}
