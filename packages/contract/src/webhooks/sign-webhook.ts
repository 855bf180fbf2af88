import { createHmac } from "node:crypto";

/**
 * The headers that let a receiver tell that a call is ours and whole, as Standard Webhooks has them
 * (https://www.standardwebhooks.com): an HMAC-SHA256 of identifier, time and body.
 *
 * @param secret `whsec_` and the key in base64
 * @param now milliseconds since the epoch
 */
export function signWebhook(secret: string, id: string, body: string, now: number): Record<string, string> {
  const timestamp = Math.floor(now / 1_000);
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}
