import { request as requestHttp, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import { isPublicAddress, lookupPublic, PrivateAddressError } from "./public-address.ts";

export interface WebhookAnswer {
  readonly status: number;
  readonly text: string;
}

/** No answer has more to say than this. */
const MOST_BYTES = 64 * 1024;

/**
 * Posts JSON to a tenant's URL. Redirects are not followed: whoever answers does not choose where else this process goes.
 *
 * @param options.timeoutMs for the whole exchange
 * @param options.privateAddresses whether the URL may lead into a private network, or to this machine
 * @throws Error when there is no whole answer in time, or PrivateAddressError
 */
export function postWebhook(
  url: string,
  body: string,
  options: { headers: Readonly<Record<string, string>>; timeoutMs: number; privateAddresses: boolean },
): Promise<WebhookAnswer> {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[|\]$/g, "");
  if (!options.privateAddresses && isIP(host) !== 0 && !isPublicAddress(host)) throw new PrivateAddressError(host);
  const send = target.protocol === "https:" ? requestHttps : requestHttp;
  const how: RequestOptions = {
    method: "POST",
    headers: { ...options.headers, "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    signal: AbortSignal.timeout(options.timeoutMs),
    ...(options.privateAddresses ? {} : { lookup: lookupPublic }),
  };
  return new Promise((resolve, reject) => {
    const request = send(target, how, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MOST_BYTES) request.destroy(new RangeError(`the answer is longer than ${MOST_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}
