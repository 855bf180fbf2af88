/** A kind of work that is killed in the midst. */
export interface Kind {
  readonly name: string;
  readonly action: string;
  /** Done before, undisturbed. */
  readonly after: readonly string[];
  /** Done after the kill, to its end: the same again, or what takes it back. */
  readonly afterwards: string;
  /** The version through which users write meanwhile; undefined for nobody. */
  readonly writer: "1" | "2" | undefined;
  /** What must be live in the end; the newest version's tables, when it is none. */
  readonly ends: "both" | "1" | "2";
}

const kind = (
  name: string,
  ends: Kind["ends"],
  writer: Kind["writer"],
  after: readonly string[] = [],
  action = name,
  afterwards = action,
): Kind => ({ name, action, after, afterwards, writer, ends });

export const KINDS: readonly Kind[] = [
  kind("validate", "1", "1"),
  kind("start", "both", "1"),
  kind("complete", "2", "2", ["start"]),
  kind("start that is given up", "1", "1", [], "start", "rollback"),
  kind("rollback", "1", "1", ["start"]),
  kind("rollback of a version whose rows are not filled", "1", "1", ["expand"], "rollback"),
  kind("rollback in the midst of a backfill", "1", "1", ["expand", "fill some rows"], "rollback"),
  kind("snapshot", "1", "1"),
  kind("snapshot of two live versions", "both", "2", ["start"], "snapshot"),
  kind("restore", "1", undefined, ["snapshot"]),
  kind("restore of two live versions over two", "both", undefined, ["start", "snapshot"], "restore"),
  kind("restore of two live versions over one", "both", undefined, ["start", "snapshot", "complete"], "restore"),
  kind("restore of one version over two", "1", undefined, ["snapshot", "start"], "restore"),
  kind("backup", "1", "1"),
  kind("backup of two live versions", "both", "1", ["start"], "backup"),
  kind("restore-backup", "1", "1", ["backup"]),
  kind("restore-backup of two live versions", "both", "2", ["start", "backup"], "restore-backup"),
];
