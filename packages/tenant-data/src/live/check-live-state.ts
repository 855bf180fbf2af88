import { z } from "zod";
import { ExpressionSyntaxError, parseExpression } from "./expression.ts";

/** A state of live versions that is not what the engine wrote. */
export class LiveStateUnreadable extends Error {
  constructor(detail: string, options?: ErrorOptions) {
    super(`the state of its live versions can't be read: ${detail}`, options);
  }
}

const conversion = z.object({ column: z.string(), expression: z.string() });

/** What views, triggers and policies are made from. */
const stateSchema = z.array(
  z.object({
    version: z.string().min(1),
    position: z.int().min(0),
    phase: z.enum(["expanding", "active"]),
    model: z.object({
      tables: z.array(
        z.object({
          name: z.string(),
          relation: z.string(),
          columns: z.array(
            z.object({ name: z.string(), column: z.string(), default: z.string().nullable().optional() }),
          ),
        }),
      ),
    }),
    links: z.array(
      z.object({
        relation: z.string(),
        before: z.string().optional(),
        after: z.string().optional(),
        up: z.array(conversion),
        down: z.array(conversion),
      }),
    ),
    backfill: z.object({ relations: z.array(z.string()) }),
  }),
);

/**
 * Sees that a state, which whoever owns the schema can write, has the form that statements are made from, and that each
 * of its expressions is one.
 *
 * @throws LiveStateUnreadable
 */
export async function checkLiveState(state: unknown): Promise<void> {
  const parsed = stateSchema.safeParse(state);
  if (!parsed.success) throw new LiveStateUnreadable(z.prettifyError(parsed.error));
  const expressions = parsed.data.flatMap(({ model, links }) => [
    ...model.tables.flatMap(({ columns }) => columns.flatMap((column) => column.default ?? [])),
    ...links.flatMap(({ up, down }) => [...up, ...down].map(({ expression }) => expression)),
  ]);
  for (const expression of expressions) {
    await parseExpression(expression).catch((cause: unknown) => {
      if (!(cause instanceof ExpressionSyntaxError)) throw cause;
      throw new LiveStateUnreadable(`${JSON.stringify(expression.slice(0, 100))} is not an expression`, { cause });
    });
  }
}
