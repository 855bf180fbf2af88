/** How HAProxy is set up. */
export interface HaproxyOptions {
  /** Where users' requests come in, as HAProxy's `bind` takes it: `127.0.0.1:8480`. */
  readonly bind: string;
  /** Folder of the configuration and the maps; an absolute path without spaces. */
  readonly folder: string;
  /** Path of the runtime API's socket. */
  readonly socket: string;
  /** Gateways, as `host:port`, for what HAProxy can't do by itself. */
  readonly gateways: readonly string[];
  /** The header that names a user, and the cookie of those who have none. */
  readonly stickyHeader: string;
  readonly stickyCookie: string;
  /** Module versions that there is room for until HAProxy is started anew. */
  readonly versions: number;
  /** Processes of one version that there is room for. */
  readonly processes: number;
}

export const HAPROXY_DEFAULTS = {
  stickyHeader: "x-user-id",
  stickyCookie: "aibos_user",
  versions: 200,
  processes: 8,
} as const satisfies Partial<HaproxyOptions>;

/** Versions of one route that HAProxy chooses among; a route with more is a gateway's. */
export const MOST_CHOICES = 8;

/** The files, by what they hold. */
export function haproxyFiles(folder: string): { config: string; routes: string; keys: string; contexts: string } {
  return {
    config: `${folder}/haproxy.cfg`,
    routes: `${folder}/routes.map`,
    keys: `${folder}/keys.map`,
    contexts: `${folder}/contexts.map`,
  };
}
