import { latencyBucket, REQUEST_ERRORS, type RequestError } from "@aibos/domain";
import type { MeasurementRow, MetFlag } from "@aibos/contract";

/** Whose requests are counted together. */
export interface Series {
  /** Null: of all tenants. */
  readonly tenant: string | null;
  readonly module: string;
  readonly version: string;
  /** Of requests that met this flag's guarded rollout alone. */
  readonly met?: MetFlag;
}

export interface MeasuredRequest {
  readonly error: RequestError | undefined;
  /** Milliseconds; undefined where it is not known. */
  readonly latency: number | undefined;
  readonly received: number;
  readonly sent: number;
}

/** What one table may hold of tenants. Beyond it, requests count for their version and no longer for their tenant. */
export interface TableLimits {
  readonly series: number;
  readonly buckets: number;
}

export const TABLE_LIMITS: TableLimits = { series: 150_000, buckets: 4_000_000 };

const COLUMNS = ["requests", ...REQUEST_ERRORS, "latencySum", "received", "sent", "inFlight"] as const;
const WIDTH = COLUMNS.length;
const column = Object.fromEntries(COLUMNS.map((name, index) => [name, index])) as Record<
  (typeof COLUMNS)[number],
  number
>;
const NONE = -1;

/**
 * What was measured in one window. Numbers are in typed arrays, so that a hundred thousand tenants cost the garbage
 * collector nothing; a series' latency buckets are a chain through `#next`, which is short: requests of one tenant
 * take much the same time.
 */
export class MeasurementTable {
  /** When the window begins, in seconds since the epoch. */
  readonly at: number;
  readonly #limits: TableLimits;
  readonly #ids = new Map<string, number>();
  readonly #series: Series[] = [];
  #cells = new Float64Array(64 * WIDTH);
  #first = new Int32Array(64);
  #bucket = new Uint16Array(256);
  #count = new Uint32Array(256);
  #next = new Int32Array(256);
  #buckets = 0;

  constructor(at: number, limits: TableLimits = TABLE_LIMITS) {
    this.at = at;
    this.#limits = limits;
  }

  /** How many series there are. */
  get size(): number {
    return this.#series.length;
  }

  /** @param key the series' key, for whoever has it at hand */
  record(series: Series, { error, latency, received, sent }: MeasuredRequest, key = seriesKey(series)): void {
    // Names of flags come from modules' answers: there is an end to them, and what is beyond it is not counted.
    if (series.met !== undefined && this.#series.length >= this.#limits.series && !this.#ids.has(key)) return;
    const id = this.#idOf(series, key);
    this.#add(id, column.requests, 1);
    if (error !== undefined) this.#add(id, column[error], 1);
    if (latency !== undefined) this.#addLatency(id, series, latency);
    this.#add(id, column.received, received);
    this.#add(id, column.sent, sent);
  }

  /**
   * So many requests are under way at once.
   *
   * @param key the series' key, for whoever has it at hand
   */
  underWay(series: Series, inFlight: number, key = seriesKey(series)): void {
    const cell = this.#idOf(series, key) * WIDTH + column.inFlight;
    this.#cells[cell] = Math.max(this.#cells[cell] ?? 0, inFlight);
  }

  /** A row for each series. */
  *rows(): Generator<MeasurementRow> {
    for (const [id, series] of this.#series.entries()) {
      const cell = (name: keyof typeof column): number => this.#cells[id * WIDTH + column[name]] ?? 0;
      const errors: MeasurementRow["errors"] = {};
      for (const name of REQUEST_ERRORS) if (cell(name) > 0) errors[name] = cell(name);
      const buckets: number[] = [];
      const counts: number[] = [];
      for (let node = this.#first[id] ?? NONE; node !== NONE; node = this.#next[node] ?? NONE) {
        buckets.push(this.#bucket[node] ?? 0);
        counts.push(this.#count[node] ?? 0);
      }
      yield {
        at: this.at,
        // From the route table, whose identifiers were checked.
        ...(series as Pick<MeasurementRow, keyof Series>),
        requests: cell("requests"),
        errors,
        latency: { buckets, counts, sum: Math.round(cell("latencySum") * 1_000) / 1_000 },
        bytesReceived: cell("received"),
        bytesSent: cell("sent"),
        inFlight: cell("inFlight"),
      };
    }
  }

  #idOf(series: Series, key = seriesKey(series)): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    if (series.tenant !== null && this.#series.length >= this.#limits.series) return this.#idOf(ofAllTenants(series));
    const id = this.#series.push(series) - 1;
    this.#ids.set(key, id);
    if (id >= this.#first.length) {
      this.#first = grown(this.#first, new Int32Array(id * 2));
      this.#cells = grown(this.#cells, new Float64Array(id * 2 * WIDTH));
    }
    this.#first[id] = NONE;
    return id;
  }

  #add(id: number, index: number, value: number): void {
    const cell = id * WIDTH + index;
    this.#cells[cell] = (this.#cells[cell] ?? 0) + value;
  }

  #addLatency(id: number, series: Series, latency: number): void {
    const bucket = latencyBucket(latency);
    let node = this.#first[id] ?? NONE;
    while (node !== NONE && this.#bucket[node] !== bucket) node = this.#next[node] ?? NONE;
    if (node === NONE) {
      if (series.met !== undefined && this.#buckets >= this.#limits.buckets) return;
      if (series.tenant !== null && this.#buckets >= this.#limits.buckets) {
        const all = ofAllTenants(series);
        this.#addLatency(this.#idOf(all), all, latency);
        return;
      }
      node = this.#newBucket(id, bucket);
    }
    this.#count[node] = (this.#count[node] ?? 0) + 1;
    this.#add(id, column.latencySum, latency);
  }

  #newBucket(id: number, bucket: number): number {
    const node = this.#buckets;
    this.#buckets += 1;
    if (node >= this.#bucket.length) {
      this.#bucket = grown(this.#bucket, new Uint16Array(node * 2));
      this.#count = grown(this.#count, new Uint32Array(node * 2));
      this.#next = grown(this.#next, new Int32Array(node * 2));
    }
    this.#bucket[node] = bucket;
    this.#next[node] = this.#first[id] ?? NONE;
    this.#first[id] = node;
    return node;
  }
}

export function ofAllTenants({ module, version }: Series): Series {
  return { tenant: null, module, version };
}

/** Names a series inside the gateway. No identifier holds a slash or an at sign. */
export function seriesKey({ tenant, module, version, met }: Series): string {
  const side = met === undefined ? "" : `/${met.flag}=${met.isIn}`;
  return `${tenant ?? ""}/${module}@${version}${side}`;
}

function grown<T extends Float64Array | Int32Array | Uint16Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
