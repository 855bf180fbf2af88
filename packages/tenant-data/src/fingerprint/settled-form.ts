/**
 * The form in which a definition stays when PostgreSQL writes it and reads it again. `name in ('a', 'b')` on a varchar
 * is kept as an array that is cast, written `(ARRAY['a'::character varying, …])::text[]`, and read again as an array of
 * cast elements, `ARRAY[('a'::character varying)::text, …]`, which means the same. A schema and its copy, or one that was
 * restored from a dump, so read the same.
 */
export function settledForm(definition: string): string {
  let text = definition;
  // From the end: what is inside an array is settled before the array is.
  for (let at = text.lastIndexOf(CAST_ARRAY); at !== -1; at = at === 0 ? -1 : text.lastIndexOf(CAST_ARRAY, at - 1)) {
    const elements = splitElements(text, at + CAST_ARRAY.length);
    if (elements === undefined) continue;
    const cast = CAST.exec(text.slice(elements.end));
    if (cast === null) continue;
    const pushed = elements.list.map((element) => `(${element})::${cast[1] ?? ""}`);
    text = `${text.slice(0, at)}ARRAY[${pushed.join(", ")}]${text.slice(elements.end + cast[0].length)}`;
  }
  return text;
}

const CAST_ARRAY = "(ARRAY[";
const CAST = /^\)::((?:"(?:[^"]|"")+"|[\w.]+|\\"[^"]+\\")(?: (?:varying|precision|with(?:out)? time zone))?(?:\([\d,]+\))?)\[\]/;

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
