import type { IncomingMessage } from "node:http";
import { randomHex } from "./random-hex.ts";

/** The client's request id when it is 1 to 128 visible ASCII characters, else a new one of 32 hexadecimal digits. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[\x21-\x7e]{1,128}$/.test(given) ? given : randomHex(16);
}
