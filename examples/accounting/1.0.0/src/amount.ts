import { z } from "zod";

/** A decimal number of at least 0, as text for PostgreSQL's `numeric`; a JSON number is taken too. */
export const amount = z
  .union([z.number().min(0).max(1e12), z.string().regex(/^\d{1,12}(\.\d{1,6})?$/, "must be a number such as 19.90")])
  .transform(String);

/** The same, above 0. */
export const positiveAmount = amount.refine((text) => Number(text) > 0, "must be more than 0");

/** A day such as 2026-05-31. */
export const day = z.iso.date();
