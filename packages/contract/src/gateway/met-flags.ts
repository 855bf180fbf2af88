/**
 * What a module answers beside a response to tell which guarded rollouts of flags the request met, and whether they took
 * its user in: `new_ui_enabled=in, search_v2=out`. The gateway counts what came of the request for them, and keeps the
 * field to itself.
 */
export const MET_FLAGS_HEADER = "x-aibos-flags";

/** A request can speak for so many flags; of more, the others are not counted. */
export const MOST_MET_FLAGS = 8;

/** A flag that a request met. */
export interface MetFlag {
  readonly flag: string;
  readonly isIn: boolean;
}

const MET_FLAG = /^([A-Za-z][A-Za-z0-9_.-]{0,99})=(in|out)$/;

export function writeMetFlags(met: ReadonlyMap<string, boolean>): string {
  return [...met]
    .slice(0, MOST_MET_FLAGS)
    .map(([flag, isIn]) => `${flag}=${isIn ? "in" : "out"}`)
    .join(", ");
}

/** What a module's answer says, as far as it can be read: it may come from anybody's code. */
export function readMetFlags(text: string): MetFlag[] {
  if (text.length > MOST_MET_FLAGS * 110) return [];
  return text.split(",", MOST_MET_FLAGS).flatMap((part) => {
    const [, flag, side] = MET_FLAG.exec(part.trim()) ?? [];
    return flag === undefined ? [] : [{ flag, isIn: side === "in" }];
  });
}
