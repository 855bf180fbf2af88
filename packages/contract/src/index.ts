export * from "./tenant-context.ts";
export * from "./module-environment.ts";
export * from "./gateway/route-feed.ts";
export * from "./manifest/module-manifest.ts";
