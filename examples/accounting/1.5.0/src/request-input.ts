import { z } from "zod";
import { ProblemError } from "@aibos/module-kit";

/** A row's identifier in a path or a query. */
export const rowId = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER);

/** How long a list is, and after which row it begins: the answer's `next`. */
export const page = { limit: z.coerce.number().int().min(1).max(200).default(50), after: rowId.optional() };

/** Checks what came from outside. @throws ProblemError (400) that names each field */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({ path: path.map(String).join("."), message }));
  const detail = issues.map(({ path, message }) => `${path === "" ? "request" : path}: ${message}`).join("; ");
  throw new ProblemError(400, "INVALID_REQUEST", detail, { issues });
}

/** The same for a JSON body. */
export async function parseBody<Schema extends z.ZodType>(schema: Schema, request: Request): Promise<z.output<Schema>> {
  const body: unknown = await request.json().catch(() => {
    throw new ProblemError(400, "INVALID_REQUEST", "The body is not JSON.");
  });
  return parseInput(schema, body);
}

/** The list's rows and where the next page begins; the query asked for one row more than `limit`. */
export function pageOf<Row extends { readonly id: number }>(
  rows: readonly Row[],
  limit: number,
): { rows: readonly Row[]; next: number | null } {
  const shown = rows.slice(0, limit);
  return { rows: shown, next: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
}
