import { z } from "zod";

/** Which page of a list is wanted. */
export const page = z.strictObject({
  cursor: z.string().max(200).optional().describe("`nextCursor` of the page before"),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});
