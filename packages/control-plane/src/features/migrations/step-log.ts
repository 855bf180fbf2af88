import type { LogLine } from "@aibos/contract";
import type { ControlDatabase } from "../../db/control-database.ts";
import { notifyMigration } from "./notify-migration.ts";

/** What a step says, for people; nothing depends on it. */
export interface StepLog {
  line(kind: LogLine["kind"], text: string): void;
  /** One that is run again and again is told once, and how often at the end. */
  statement(sql: string, ms: number): void;
  /** Stores what was said until now. */
  flush(): Promise<void>;
}

/** So many lines a step are stored, so long each. */
const LINES = 300;
const CHARACTERS = 500;
/** So often what was said is stored. */
const FLUSH_MS = 500;

type Said = Pick<LogLine, "kind" | "text" | "ms">;

/**
 * Lines of one run of a step. They are not behind the fence: what somebody says who lost its place harms nobody. Lines
 * that can't be stored are lost; the step's entry tells what matters.
 */
export function openStepLog({ db }: Pick<ControlDatabase, "db">, migrationId: string, step: string): StepLog {
  const runs = new Map<string, { times: number; ms: number }>();
  let waiting: Said[] = [];
  let told = 0;
  let timer: NodeJS.Timeout | undefined;

  function add(said: Said): void {
    told += 1;
    if (told > LINES) return;
    waiting.push(said);
    timer ??= setTimeout(() => void storeAndTell(), FLUSH_MS).unref();
  }

  async function store(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    const lines = waiting;
    waiting = [];
    if (lines.length === 0) return;
    const values = lines.map((line) => ({ migration_id: migrationId, step, ...line }));
    await db
      .insertInto("migration_log")
      .values(values)
      .execute()
      .catch(() => undefined);
  }

  /** While a step goes on; when it ends, who watches hears of that anyway. */
  async function storeAndTell(): Promise<void> {
    await store();
    await notifyMigration({ db }, migrationId).catch(() => undefined);
  }

  return {
    line: (kind, text) => add({ kind, text: shown(text), ms: null }),
    statement(sql, ms) {
      const text = shown(sql.replaceAll(/\s+/g, " ").trim());
      const before = runs.get(text);
      runs.set(text, { times: (before?.times ?? 0) + 1, ms: (before?.ms ?? 0) + ms });
      if (before === undefined) add({ kind: "statement", text, ms });
    },
    async flush() {
      for (const [text, { times, ms }] of runs) {
        if (times > 1) add({ kind: "message", text: `run ${times} times in all: ${text.slice(0, 120)}`, ms });
      }
      runs.clear();
      if (told > LINES) {
        waiting.push({ kind: "message", text: `and ${told - LINES} more lines, which are not kept`, ms: null });
        told = 0;
      }
      await store();
    },
  };
}

/** Text for one line of a terminal. */
function shown(text: string): string {
  const line = text.replaceAll(/\p{Cc}+/gu, " ").trim();
  return line.length > CHARACTERS ? `${line.slice(0, CHARACTERS)}…` : line;
}
