import type { Kysely } from "kysely";
import { CustomizationConflictError, CustomizationEntryNotFoundError } from "@aibos/contract";
import { formatPath, type Version } from "@aibos/domain";
import type { ControlTables } from "../../db/control-tables.ts";
import { carryHop } from "./carry-customizations.ts";
import { checkContent, type Customizable } from "./customizable.ts";
import type { CustomizableReadModel } from "./customizable-read-model.ts";
import { addEntry, entryHistory, presentEntries, type StoredEntry, type TenantPlace } from "./customization-entries.ts";
import { loadDecisions } from "./decisions.ts";
import { withLaterEdits } from "./with-later-edits.ts";

type Db = Kysely<ControlTables>;

interface EditPlace extends TenantPlace {
  readonly version: Version;
}

/** Stores a tenant's content with the full default that it was made against. @throws CustomizationInvalidError, DocumentRefusedError */
export async function editCustomization(
  db: Db,
  { version, ...place }: EditPlace,
  target: Customizable,
  { content, author }: { content: string | null; author: string },
): Promise<void> {
  if (content !== null) checkContent(target, content);
  const [present] = (await presentEntries(db, place, version)).filter(({ name }) => name === target.name);
  const now = present?.content ?? target.content;
  if (
    (content ?? target.content) === now &&
    (content === null) === (present?.content === undefined || present.content === null)
  )
    return;
  await addEntry(db, {
    ...place,
    version,
    name: target.name,
    base: target.content,
    content,
    origin: content === null ? "reset" : "edit",
    author,
  });
}

/** Puts the content of an earlier entry of the same version in place again. @throws CustomizationEntryNotFoundError */
export async function reapplyEntry(
  db: Db,
  { version, ...place }: EditPlace,
  target: Customizable,
  { entry, author }: { entry: string; author: string },
): Promise<number> {
  const found = (await entryHistory(db, place, target.name)).find(({ id }) => String(id) === entry);
  if (found === undefined || found.version !== version) throw new CustomizationEntryNotFoundError(target.name, entry);
  if (found.content !== null) checkContent(target, found.content);
  const { content } = found;
  return addEntry(db, {
    ...place,
    version,
    name: target.name,
    base: target.content,
    content,
    origin: "reapply",
    author,
  });
}

/**
 * Merges what the tenant had in the version before once more, by what is decided now, and brings what the tenant changed
 * since the first merge along.
 *
 * @throws CustomizationEntryNotFoundError, CustomizationConflictError, CustomizationInvalidError
 */
export async function reapplyMerge(
  db: Db,
  { version, ...place }: EditPlace,
  target: Customizable,
  { author, customizables }: { author: string; customizables: CustomizableReadModel },
): Promise<number> {
  const history = (await entryHistory(db, place, target.name)).filter(
    (one) => one.version === version && one.supersededBy === null,
  );
  const merge = history.find(({ sourceId }) => sourceId !== null);
  const merged = merge?.sourceId == null ? undefined : await findEntry(db, merge.sourceId);
  // What was edited there since, side by side, is what the tenant has of the version before.
  const now = merged === undefined ? [] : await presentEntries(db, place, merged.version);
  const source = now.find(({ name }) => name === merged?.name) ?? merged;
  const [present] = history;
  if (merge === undefined || source === undefined || present === undefined) {
    throw new CustomizationEntryNotFoundError(target.name, "that was merged");
  }
  const from = source.version;
  const sources = await customizables.of(place.module, from);
  const old = sources.get(source.name);
  if (old === undefined) throw new CustomizationEntryNotFoundError(target.name, String(source.id));
  const next = await customizables.of(place.module, version);
  const decisions = await loadDecisions(db, place.module);
  const carried = carryHop(
    { content: source.content ?? old.content, source: old, from, to: version, next },
    decisions,
    place.tenant,
  );
  const content = withLaterEdits(target, merge.content ?? "", present.content ?? target.content, carried.content ?? "");
  const open = [...carried.conflicts, ...content.conflicts];
  if (open.length > 0) {
    const conflicts = open.map(({ kind, path }) => ({ name: target.name, path: formatPath(path), kind }));
    throw new CustomizationConflictError(place.tenant, place.module, [from, version], conflicts);
  }
  checkContent(target, content.text);
  return addEntry(db, {
    ...place,
    version,
    name: target.name,
    base: target.content,
    content: content.text,
    origin: "reapply",
    author,
    report: carried.report,
    sourceId: source.id,
  });
}

async function findEntry(db: Db, id: number): Promise<StoredEntry | undefined> {
  const row = await db
    .selectFrom("customizations")
    .select(["tenant", "module", "name"])
    .where("id", "=", id)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return (await entryHistory(db, row, row.name)).find((entry) => entry.id === id);
}
