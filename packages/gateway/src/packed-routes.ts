import type { TenantRoute } from "@aibos/contract";
import { ByteArena } from "./byte-arena.ts";
import { type RouteEntry, routeEntryOf } from "./route-entry.ts";
import { type RouteKey, routeKeyOf } from "./route-key.ts";
import { type OwnNames, packRoute, unpackRoute } from "./route-shape.ts";
import { type SharedShape, ShapeTable } from "./shape-table.ts";

const FIRST_SLOTS = 64;
/** Routes that are ready for use at once; there are up to twice as many. */
const MOST_READY = 4_096;

/** A row: the number of a route's shape, and the JSON of its names. */
export interface PackedRow {
  readonly shape: SharedShape;
  readonly names: string;
}

/**
 * Routes by their key, in about 150 bytes each: what routes share is there once, and what is a tenant's own is text
 * outside of the heap. A route is made ready for use when a request asks for it, and stays so while it is asked for.
 *
 * The index is open addressing with linear probing, where a removal shifts back what follows (Knuth, The Art of
 * Computer Programming 3, 6.4, algorithm R); keys are hashed with FNV-1a.
 */
export class PackedRoutes {
  readonly #shapes = new ShapeTable();
  #arena = new ByteArena();
  /** By slot: the row's number + 1, or 0. */
  #index = new Uint32Array(FIRST_SLOTS);
  /** By row: the key's hash, and the address of its text, or 0 for a row that is free. */
  #hashes = new Uint32Array(FIRST_SLOTS);
  #addresses = new Uint32Array(FIRST_SLOTS);
  readonly #free: number[] = [];
  #rows = 0;
  #size = 0;
  #ready = new Map<RouteKey, RouteEntry>();
  #readyBefore = new Map<RouteKey, RouteEntry>();

  get size(): number {
    return this.#size;
  }

  get(key: RouteKey): RouteEntry | undefined {
    const ready = this.#ready.get(key);
    if (ready !== undefined) return ready;
    const entry = this.#readyBefore.get(key) ?? this.#unpack(key);
    if (entry === undefined) return undefined;
    if (this.#ready.size >= MOST_READY) {
      this.#readyBefore = this.#ready;
      this.#ready = new Map();
    }
    this.#ready.set(key, entry);
    return entry;
  }

  /** Puts a route in the place of the one with its key. It must be a good one: {@link routeEntryOf} takes it. */
  set(route: TenantRoute): void {
    const { shape, own } = packRoute(route);
    this.#put(routeKeyOf(route.tenant, route.module), this.#shapes.take(shape), JSON.stringify(own));
  }

  /** Adds a route of the same shape as another one that is here. */
  setLike(shape: SharedShape, own: OwnNames): void {
    this.#shapes.again(shape.id);
    this.#put(routeKeyOf(own[0], shape.shape.module), shape, JSON.stringify(own));
  }

  /** The shape of a route that is here. */
  shapeOf(key: RouteKey): SharedShape | undefined {
    const row = this.#rowOf(key);
    return row === undefined ? undefined : this.#shapeAt(row);
  }

  delete(key: RouteKey): void {
    const slot = this.#slotOf(key, hashOf(key));
    const row = (this.#index[slot] ?? 0) - 1;
    if (row < 0) return;
    this.#forgetReady(key);
    this.#release(row);
    this.#addresses[row] = 0;
    this.#free.push(row);
    this.#size -= 1;
    this.#shiftBack(slot);
  }

  /** All keys. */
  *keys(): Generator<RouteKey> {
    for (const row of this.#used()) yield this.#keyAt(row);
  }

  /** All routes, made for whoever asks. */
  *values(): Generator<RouteEntry> {
    for (const row of this.#used()) yield this.#entryAt(row);
  }

  /**
   * All routes as they are kept. There may be changes meanwhile: what is there at the end and was at the beginning comes
   * once, as it was before a change or after it.
   */
  *packed(): Generator<PackedRow> {
    for (const row of this.#used()) yield { shape: this.#shapeAt(row), names: this.#arena.text(this.#address(row)) };
  }

  #put(key: RouteKey, shape: SharedShape, names: string): void {
    this.#forgetReady(key);
    const hash = hashOf(key);
    const slot = this.#slotOf(key, hash);
    const known = (this.#index[slot] ?? 0) - 1;
    if (known >= 0) this.#release(known);
    const row = known >= 0 ? known : this.#newRow(slot, hash);
    this.#addresses[row] = this.#arena.add(shape.id, names);
    if (this.#arena.isWasteful) this.#moveAll();
  }

  #newRow(slot: number, hash: number): number {
    const row = this.#free.pop() ?? this.#rows++;
    if (row >= this.#hashes.length) {
      this.#hashes = grown(this.#hashes);
      this.#addresses = grown(this.#addresses);
    }
    this.#hashes[row] = hash;
    this.#index[slot] = row + 1;
    this.#size += 1;
    if (this.#size * 3 > this.#index.length * 2) this.#growIndex();
    return row;
  }

  #growIndex(): void {
    const rows = this.#index.filter((row) => row > 0);
    this.#index = new Uint32Array(this.#index.length * 2);
    const mask = this.#index.length - 1;
    for (const row of rows) {
      let slot = (this.#hashes[row - 1] ?? 0) & mask;
      while (this.#index[slot] !== 0) slot = (slot + 1) & mask;
      this.#index[slot] = row;
    }
  }

  /** The slot of a key, or the free one where it would be. */
  #slotOf(key: RouteKey, hash: number): number {
    const mask = this.#index.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = (this.#index[slot] ?? 0) - 1;
      if (row < 0 || (this.#hashes[row] === hash && this.#keyAt(row) === key)) return slot;
    }
  }

  #shiftBack(removed: number): void {
    const mask = this.#index.length - 1;
    let hole = removed;
    for (let slot = (hole + 1) & mask; this.#index[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hashes[(this.#index[slot] ?? 0) - 1] ?? 0;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      this.#index[hole] = this.#index[slot] ?? 0;
      hole = slot;
    }
    this.#index[hole] = 0;
  }

  #rowOf(key: RouteKey): number | undefined {
    const row = (this.#index[this.#slotOf(key, hashOf(key))] ?? 0) - 1;
    return row < 0 ? undefined : row;
  }

  *#used(): Generator<number> {
    for (let row = 0; row < this.#rows; row += 1) if (this.#addresses[row] !== 0) yield row;
  }

  #address(row: number): number {
    return this.#addresses[row] ?? 0;
  }

  #shapeAt(row: number): SharedShape {
    return this.#shapes.of(this.#arena.number(this.#address(row)));
  }

  #namesAt(row: number): OwnNames {
    // They were written from such a list.
    return JSON.parse(this.#arena.text(this.#address(row))) as OwnNames;
  }

  #keyAt(row: number): RouteKey {
    return routeKeyOf(this.#namesAt(row)[0], this.#shapeAt(row).shape.module);
  }

  #entryAt(row: number): RouteEntry {
    const shared = this.#shapeAt(row);
    const entry = routeEntryOf(unpackRoute(shared.shape, this.#namesAt(row)), shared.policy);
    shared.policy = entry.policy;
    return entry;
  }

  #unpack(key: RouteKey): RouteEntry | undefined {
    const row = this.#rowOf(key);
    return row === undefined ? undefined : this.#entryAt(row);
  }

  #release(row: number): void {
    const address = this.#address(row);
    this.#shapes.release(this.#arena.number(address));
    this.#arena.release(address);
  }

  #forgetReady(key: RouteKey): void {
    this.#ready.delete(key);
    this.#readyBefore.delete(key);
  }

  #moveAll(): void {
    const arena = new ByteArena();
    for (const row of this.#used()) {
      const address = this.#address(row);
      this.#addresses[row] = arena.add(this.#arena.number(address), this.#arena.text(address));
    }
    this.#arena = arena;
  }
}

/** FNV-1a of the key's characters, to 32 bits. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

function grown(from: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const to = new Uint32Array(from.length * 2);
  to.set(from);
  return to;
}
