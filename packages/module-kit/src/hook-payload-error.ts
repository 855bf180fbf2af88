/** A module calls a hook that it does not declare, or with something else than it declares. */
export class HookPayloadError extends Error {
  override readonly name = "HookPayloadError";
  constructor(hook: string, detail: string) {
    super(`Hook "${hook}": ${detail}.`);
  }
}
