import {
  type FeedMessage,
  feedMessageSchema,
  tenantRouteSchema,
  type VersionEndpoints,
  versionEndpointsSchema,
} from "@aibos/contract";
import { parseTenantId } from "@aibos/domain";
import { PackedRoutes } from "./packed-routes.ts";
import { routeEntryOf } from "./route-entry.ts";
import { namesOf, type OwnNames, type RouteShape, unpackRoute } from "./route-shape.ts";
import { routeKeyOf } from "./route-key.ts";
import type { Applied, RouteDelta, RouteTable } from "./route-table.ts";
import type { SharedShape } from "./shape-table.ts";

// What is kept of a route table, as texts for the lines of a file, in this order:
//
//   {"format":2,"feed":…,"revision":…,"testerKey":…,"endpoints":[…]}
//   {"shapes":[[number,shape],…],"rows":[[number of the shape, tenant, role, schema,…],…]}      any number of these
//   {"routes":how many there are}
//   a delta of the feed                                                                         any number of these
//
// A shape comes with the first row that has it. The routes may be changed while they are written: the deltas since the
// revision at the beginning follow, and are applied again to what may have them already.

const FORMAT = 2;
const ROWS_IN_TEXT = 1_000;

interface KeptHead {
  readonly format: typeof FORMAT;
  readonly feed: string;
  readonly revision: number;
  readonly testerKey: string;
  readonly endpoints: readonly VersionEndpoints[];
}

/** The texts that build the table again; none while it is empty. */
export function* keptTexts(table: RouteTable): Generator<string> {
  const { feed, revision, testerKey } = table;
  if (feed === undefined) return;
  const head: KeptHead = { format: FORMAT, feed, revision, testerKey, endpoints: [...table.allEndpoints()] };
  yield JSON.stringify(head);
  const written = new Set<number>();
  let shapes: string[] = [];
  let rows: string[] = [];
  let count = 0;
  for (const { shape, names } of table.packed()) {
    if (!written.has(shape.id)) shapes.push(`[${shape.id},${JSON.stringify(shape.shape)}]`);
    written.add(shape.id);
    rows.push(`[${shape.id},${names.slice(1)}`);
    count += 1;
    if (rows.length < ROWS_IN_TEXT) continue;
    yield rowsText(shapes, rows);
    shapes = [];
    rows = [];
  }
  yield rowsText(shapes, rows);
  yield JSON.stringify({ routes: count });
}

function rowsText(shapes: readonly string[], rows: readonly string[]): string {
  return `{"shapes":[${shapes.join(",")}],"rows":[${rows.join(",")}]}`;
}

/**
 * Builds a route table from kept texts. The caller has found them as this program wrote them, so that only what would do
 * harm is looked at: each shape wholly, with its first route, and of further rows their form.
 */
export class KeptRoutesReader {
  readonly #table: RouteTable;
  readonly #shapes = new Map<number, RouteShape | SharedShape>();
  #head: KeptHead | undefined;
  #routes = new PackedRoutes();
  /** Those that were read. A route that came again while the file was written has two of them. */
  #rows = 0;
  #isWhole = false;

  constructor(table: RouteTable) {
    this.#table = table;
  }

  /** Takes the next text. @throws an error that says what can't be used; what came before it stands */
  take(text: string): void {
    const value: unknown = JSON.parse(text);
    if (this.#head === undefined) this.#head = parseHead(value);
    else if (!this.#isWhole) this.#takeRows(value, this.#head);
    else if (applyDelta(this.#table, value).kind === "gap") throw new RangeError("a revision does not follow");
  }

  #takeRows(value: unknown, head: KeptHead): void {
    if (!isObject(value)) throw new TypeError("it is no object");
    if ("routes" in value) {
      if (value["routes"] !== this.#rows) throw new RangeError("routes are missing");
      this.#table.restore({ ...head, routes: this.#routes });
      this.#isWhole = true;
      return;
    }
    const { shapes, rows } = value;
    if (!Array.isArray(shapes) || !Array.isArray(rows)) throw new TypeError("it has no rows");
    for (const [id, shape] of shapes as [number, RouteShape][]) this.#shapes.set(id, shape);
    for (const row of rows) this.#takeRow(row);
  }

  #takeRow(row: unknown): void {
    if (!Array.isArray(row) || typeof row[0] !== "number") throw new TypeError("a row has no shape");
    const [id, ...own] = row as [number, ...OwnNames];
    const shape = this.#shapes.get(id);
    if (shape === undefined) throw new RangeError(`a row has the unknown shape ${id}`);
    this.#rows += 1;
    const { module } = "shape" in shape ? shape.shape : shape;
    // The deltas that follow bring it up to date.
    if (this.#routes.shapeOf(routeKeyOf(own[0], module)) !== undefined) return;
    if (!("shape" in shape)) {
      this.#takeFirst(id, shape, own);
      return;
    }
    if (own.length < namesOf(shape.shape) || !own.every((name) => typeof name === "string")) {
      throw new TypeError("a row lacks a name");
    }
    parseTenantId(own[0]);
    this.#routes.setLike(shape, own);
  }

  /** The first route of a shape is looked at as one of the feed is. */
  #takeFirst(id: number, shape: RouteShape, own: OwnNames): void {
    const route = tenantRouteSchema.parse(unpackRoute(shape, own));
    routeEntryOf(route);
    this.#routes.set(route);
    const shared = this.#routes.shapeOf(routeKeyOf(route.tenant, route.module));
    if (shared !== undefined) this.#shapes.set(id, shared);
  }
}

function parseHead(value: unknown): KeptHead {
  if (!isObject(value) || value["format"] !== FORMAT) throw new TypeError(`it is not of format ${FORMAT}`);
  const { feed, revision, testerKey, endpoints } = value;
  if (typeof feed !== "string" || typeof testerKey !== "string") throw new TypeError("it lacks the feed or a key");
  if (typeof revision !== "number" || !Number.isSafeInteger(revision)) throw new TypeError("it has no revision");
  if (!Array.isArray(endpoints)) throw new TypeError("it has no endpoints");
  return {
    format: FORMAT,
    feed,
    revision,
    testerKey,
    endpoints: endpoints.map((entry) => versionEndpointsSchema.parse(entry)),
  };
}

function applyDelta(table: RouteTable, value: unknown): Applied {
  const message: FeedMessage = feedMessageSchema.parse(value);
  if (message.type !== "delta") throw new TypeError("it is no delta");
  return table.apply(message satisfies RouteDelta);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
