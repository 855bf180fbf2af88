import { RemoteError } from "@aibos/contract";
import type { Story } from "./story.ts";

/** Checks that something is refused, with this code. Resolves to what was said. */
export async function refused(story: Story, what: string, code: string, work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    story.check(what, false, "it was not refused");
    return "";
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    story.check(what, error.code === code, error.code);
    return error.message;
  }
}
