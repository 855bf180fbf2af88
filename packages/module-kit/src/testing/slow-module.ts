import { createModuleKit } from "../module-kit.ts";

// A module's process for tests: tells its port, and answers /slow only when it was asked to stop.
const kit = createModuleKit();
const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
process.once("SIGTERM", ask);
const server = await kit.serve(async (request) => {
  if (!request.url.endsWith("/slow")) return kit.withTenant(request, async () => Response.json({ ok: true }));
  process.stdout.write("slow\n");
  await asked;
  return kit.withTenant(request, async (tenant) => Response.json((await tenant.query("select body from notes")).rows));
});
process.stdout.write(`${server.port}\n`);
