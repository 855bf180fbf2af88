/** An address to call for one that is listened on: "every interface" is reached at the loopback one. */
export function reachableUrl(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return url;
  if (parsed.hostname === "0.0.0.0") parsed.hostname = "127.0.0.1";
  if (parsed.hostname === "[::]") parsed.hostname = "[::1]";
  return parsed.toString().replace(/\/$/, "");
}

/** The port of an address; undefined when there is none. */
export function portOf(url: string | undefined): number | undefined {
  const port = URL.parse(url ?? "")?.port;
  return port === undefined || port === "" ? undefined : Number(port);
}
