import type { Answer } from "./statement-risk.ts";
import { nameParts, visit } from "./syntax-tree.ts";

/** Functions whose result is the same for all rows of a statement (`pg_proc.provolatile` is `i` or `s`). */
const STEADY = new Set([
  "now",
  "transaction_timestamp",
  "statement_timestamp",
  "current_user",
  "current_setting",
  "current_schema",
  "lower",
  "upper",
  "concat",
  "coalesce",
  "md5",
  "sha256",
  "length",
  "trim",
  "btrim",
  "replace",
  "substring",
  "to_char",
  "to_date",
  "to_timestamp",
  "date_trunc",
  "date_part",
  "extract",
  "make_date",
  "make_interval",
  "jsonb_build_object",
  "jsonb_build_array",
  "json_build_object",
  "json_build_array",
  "to_json",
  "to_jsonb",
  "array_length",
  "abs",
  "round",
  "floor",
  "ceil",
  "format",
  "timezone",
  "encode",
  "decode",
]);
const VOLATILE = new Set([
  "random",
  "gen_random_uuid",
  "uuidv4",
  "uuidv7",
  "uuid_generate_v1",
  "uuid_generate_v4",
  "clock_timestamp",
  "timeofday",
  "nextval",
  "setseed",
  "txid_current",
  "pg_current_xact_id",
  "gen_random_bytes",
]);

/** Whether an expression has another value for each row, so that a new column's default must be written to every one. */
export function isVolatile(expression: unknown): Answer {
  let answer: Answer = "no";
  visit(expression, (type, fields) => {
    if (type !== "FuncCall") return;
    const name = nameParts(fields["funcname"]).at(-1) ?? "";
    if (VOLATILE.has(name)) answer = "yes";
    else if (!STEADY.has(name) && answer === "no") answer = "unknown";
  });
  return answer;
}
