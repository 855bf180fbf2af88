import type { Kysely } from "kysely";
import type { Conflict, Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import { carryHop } from "./carry-customizations.ts";
import type { CustomizableReadModel } from "./customizable-read-model.ts";
import { addEntry, entryHistory, presentEntries, type StoredEntry, type TenantPlace } from "./customization-entries.ts";
import { loadDecisions } from "./decisions.ts";
import { addOpenConflicts } from "./open-conflicts.ts";
import { withLaterEdits } from "./with-later-edits.ts";

/**
 * Takes an edit of an older version along to newer ones that live beside it, hop by hop as an upgrade would, together with
 * what the tenant changed there. Edits travel forward alone. One that conflicts stops where it does: the newer version keeps
 * what it has, and the conflict is among those that wait for a decision, after which `reapply` takes the edit along.
 *
 * @param given.path from the version that was edited to the newest live one
 * @returns the entry of the newest version, where there is a new one, and what stopped it
 */
export async function carryEdit(
  db: Kysely<ControlTables>,
  place: TenantPlace,
  given: { name: string; author: string; path: readonly Version[]; customizables: CustomizableReadModel },
): Promise<{ readonly entry: number | undefined; readonly conflicts: readonly Conflict[] }> {
  let entry: number | undefined;
  const { author, path, customizables } = given;
  const { tenant, module } = place;
  const decisions = await loadDecisions(db, module);
  let name = given.name;
  for (const [index, to] of path.slice(1).entries()) {
    const from = path[index] ?? to;
    const source = (await customizables.of(module, from)).get(name);
    const edited = await entryOf(db, place, from, name);
    const next = await customizables.of(module, to);
    if (source === undefined || edited === undefined) break;
    const content = edited.content ?? source.content;
    const carried = carryHop({ content, source, from, to, next }, decisions, tenant);
    if (carried.conflicts.length > 0) {
      await addOpenConflicts(db, place, [carried]);
      return { entry, conflicts: carried.conflicts };
    }
    if (carried.target === undefined || carried.content === undefined) break;
    const { target } = carried;
    ({ name } = carried);
    const present = await entryOf(db, place, to, name);
    const merged = await entryOf(db, place, to, name, (entry) => entry.sourceId !== null);
    const now = present?.content ?? target.content;
    const both = withLaterEdits(target, merged?.content ?? target.content, now, carried.content);
    if (both.conflicts.length > 0) return { entry, conflicts: both.conflicts };
    if (both.text === now && merged !== undefined) continue;
    entry = await addEntry(db, {
      ...place,
      version: to,
      name,
      base: target.content,
      content: both.text,
      origin: "merge",
      author,
      report: carried.report,
      sourceId: edited.id,
    });
  }
  return { entry, conflicts: [] };
}

async function entryOf(
  db: Kysely<ControlTables>,
  place: TenantPlace,
  version: Version,
  name: string,
  only?: (entry: StoredEntry) => boolean,
): Promise<StoredEntry | undefined> {
  if (only === undefined) return (await presentEntries(db, place, version)).find((entry) => entry.name === name);
  const history = await entryHistory(db, place, name);
  return history.find((entry) => entry.version === version && entry.supersededBy === null && only(entry));
}
