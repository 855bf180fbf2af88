import { z } from "zod";

/** A whole number of a currency's minor units, such as cents; at least 0. */
export const amountMinor = z.int().min(0).max(1e14);

/** A currency's code, such as EUR (ISO 4217). */
export const currency = z.string().regex(/^[A-Z]{3}$/, "must be a code such as EUR");

/** A day such as 2026-05-31. */
export const day = z.iso.date();
