import pg from "pg";
import { quoteIdentifier, viewSchemaName } from "@aibos/tenant-data";

/** Users who write while something else goes on, and remember what the server said was written. */
export interface Writing {
  /** Ends it; gives the keys that are certain, and those whose end nobody heard of. */
  stop(): Promise<{ certain: ReadonlyMap<number, number>; unknown: ReadonlySet<number> }>;
}

/** Inserts rows one after the other through one version: key n has the amount n. Goes on when the server was away. */
export function startWriting(
  url: () => string,
  schema: string,
  { version, column, firstKey }: { version: string; column: (amount: number) => string; firstKey: number },
): Writing {
  const certain = new Map<number, number>();
  const unknown = new Set<number>();
  const end = new AbortController();
  const path = [viewSchemaName(schema, version), schema].map(quoteIdentifier).join(", ");

  async function write(): Promise<void> {
    let client: pg.Client | undefined;
    for (let key = firstKey; !end.signal.aborted; key += 1) {
      try {
        if (client === undefined) {
          client = new pg.Client({ connectionString: url(), connectionTimeoutMillis: 1_000 });
          client.on("error", () => undefined);
          await client.connect();
        }
        unknown.add(key);
        await client.query(
          `begin; set local search_path = ${path}; set local aibos.version = '${version}'; ${column(key)}; commit`,
        );
        unknown.delete(key);
        certain.set(key, key);
      } catch (error) {
        if (error instanceof pg.DatabaseError && !/^(08|57P)/.test(error.code ?? "")) {
          // Nothing of it was written, and the server says why: that must not happen to a user.
          await client?.end();
          throw error;
        }
        await client?.end().catch(() => undefined);
        client = undefined;
        await new Promise((resolve) => {
          setTimeout(resolve, 20);
        });
      }
    }
    await client?.end().catch(() => undefined);
  }
  const written = write();
  // It is waited for in `stop`.
  written.catch(() => undefined);
  return {
    async stop() {
      end.abort();
      await written;
      return { certain, unknown };
    },
  };
}
