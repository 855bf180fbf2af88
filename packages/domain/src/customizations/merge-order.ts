/** Three orders of a list's items, by key. */
export interface Orders {
  readonly base: readonly string[];
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

export interface MergedOrder {
  /** All items of ours and theirs, each once. Where both moved items differently, as ours has them. */
  readonly order: readonly string[];
  readonly oursMoved: boolean;
  readonly theirsMoved: boolean;
  /** Both moved items that all three have, in different ways. */
  readonly conflict: boolean;
}

/**
 * Merges the order of items. Who moved items decides it, and the other's additions come after the item that they had
 * before them. With nobody moving anything it is theirs that counts, with ours' additions.
 */
export function mergeOrder({ base, ours, theirs }: Orders): MergedOrder {
  const inBase = new Set(base);
  const inOurs = new Set(ours);
  const inTheirs = new Set(theirs);
  const common = (keys: readonly string[]): string[] =>
    keys.filter((key) => inBase.has(key) && inOurs.has(key) && inTheirs.has(key));
  const [commonBase, commonOurs, commonTheirs] = [common(base), common(ours), common(theirs)];
  const oursMoved = !sameKeys(commonBase, commonOurs);
  const theirsMoved = !sameKeys(commonBase, commonTheirs);
  return {
    order: oursMoved ? insertInto(ours, theirs) : insertInto(theirs, ours),
    oursMoved,
    theirsMoved,
    conflict: oursMoved && theirsMoved && !sameKeys(commonOurs, commonTheirs),
  };
}

export function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((key, index) => key === b[index]);
}

/** `keys`, and those of `others` that are not among them, each after the nearest one before it that is. */
export function insertInto(keys: readonly string[], others: readonly string[]): string[] {
  const known = new Set(keys);
  const first: string[] = [];
  const after = new Map<string, string[]>();
  let place = first;
  for (const key of others) {
    if (!known.has(key)) {
      place.push(key);
      continue;
    }
    place = after.get(key) ?? [];
    after.set(key, place);
  }
  return [...first, ...keys.flatMap((key) => [key, ...(after.get(key) ?? [])])];
}
