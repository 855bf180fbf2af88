import { z } from "zod";
import type { Preference } from "@aibos/contract";
import type { FlagScope, FlagSetting, JsonValue } from "@aibos/domain";

/**
 * What a tenant has of a module's version besides its data. Copies of the data carry it, and give it back. What is in it
 * was validated when it was made, and a copy is signed or in our own tables.
 */
export const belongingsSchema = z.object({
  version: z.string(),
  customizations: z.array(
    z.object({
      name: z.string(),
      /** The default that it was made against, and the content; null is the default itself. */
      base: z.string(),
      content: z.string().nullable(),
      author: z.string(),
    }),
  ),
  /** The tenant's own values of flags at that version. */
  flags: z.array(z.object({ flag: z.string(), scope: z.custom<FlagScope>(), setting: z.custom<FlagSetting>() })),
  /** Decisions about conflicts that held for this tenant: its own, and links to those for everybody. */
  resolutions: z.array(
    z.object({
      id: z.string(),
      conflict: z.string(),
      own: z.boolean(),
      take: z.enum(["tenant", "vendor", "value"]),
      value: z.custom<[JsonValue] | []>().nullable(),
      author: z.string(),
      at: z.string(),
    }),
  ),
  preference: z.custom<Preference>().nullable(),
});
export type Belongings = z.output<typeof belongingsSchema>;
