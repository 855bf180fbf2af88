import { scan } from "libpg-query";

/** One word, sign, constant or name of SQL, as PostgreSQL's scanner cuts a text. Comments are left out. */
export interface SqlToken {
  /** As it stands in the text. */
  readonly raw: string;
  /** For a keyword or a name, what PostgreSQL takes it for: folded to lower case, or unquoted. Else `raw`. */
  readonly word: string;
  readonly kind: "name" | "keyword" | "string" | "sign";
  /** In the bytes of the text. */
  readonly start: number;
  readonly end: number;
}

// Of PostgreSQL's grammar (gram.y), as libpg-query numbers them.
const NAME = 258;
const UNICODE_NAME = 259;
const STRING = 261;
const COMMENTS: ReadonlySet<number> = new Set([275, 276]);

/** The tokens of a text; undefined for one that does not end where a token does, such as half a string. */
export async function sqlTokens(text: string): Promise<SqlToken[] | undefined> {
  if (text.trim() === "") return [];
  const found = await scan(text).catch(() => undefined);
  if (found === undefined) return undefined;
  const bytes = Buffer.from(text, "utf8");
  return found.tokens
    .filter(({ tokenType }) => !COMMENTS.has(tokenType))
    .map(({ start, end, tokenType, keywordKind }) => {
      const raw = bytes.subarray(start, end).toString("utf8");
      const kind =
        tokenType === STRING
          ? "string"
          : tokenType === NAME || tokenType === UNICODE_NAME
            ? "name"
            : keywordKind > 0
              ? "keyword"
              : "sign";
      return { raw, word: kind === "name" || kind === "keyword" ? unquoted(raw) : raw, kind, start, end };
    });
}

function unquoted(raw: string): string {
  return raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw.toLowerCase();
}

/** What a string constant says, and how it was written; undefined where that would take more than unquoting. */
export interface StringConstant {
  readonly value: string;
  /** The same kind of constant with another value. */
  write(value: string): string;
}

export function readString(raw: string): StringConstant | undefined {
  const tag = /^\$[^$]*\$/.exec(raw)?.[0];
  if (tag !== undefined) {
    return { value: raw.slice(tag.length, -tag.length), write: (value) => `${tag}${value}${tag}` };
  }
  const [, prefix = "", inner] = /^([eE]?)'([\s\S]*)'$/.exec(raw) ?? [];
  if (inner === undefined || (prefix !== "" && inner.includes("\\"))) return undefined;
  // Two constants on two lines are one; a lone quote is where they meet.
  if (inner.replaceAll("''", "").includes("'")) return undefined;
  return {
    value: inner.replaceAll("''", "'"),
    write(value) {
      const quoted = `'${value.replaceAll("'", "''")}'`;
      return prefix === "" ? quoted : `${prefix}${quoted.replaceAll("\\", "\\\\")}`;
    },
  };
}

/** Parts of a text, in bytes, to be replaced. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

export function applyEdits(text: string, edits: readonly Edit[]): string {
  if (edits.length === 0) return text;
  const bytes = Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end, by } of [...edits].sort((a, b) => a.start - b.start)) {
    parts.push(bytes.subarray(at, start), Buffer.from(by, "utf8"));
    at = end;
  }
  return Buffer.concat([...parts, bytes.subarray(at)]).toString("utf8");
}
