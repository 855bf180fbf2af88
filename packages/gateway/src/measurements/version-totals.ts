import { type Metric, type MetricSample, type MeasurementRow } from "@aibos/contract";
import { bucketCeiling, REQUEST_ERRORS, type RequestError } from "@aibos/domain";

/** Upper ends of the histogram's buckets, in seconds. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
/** So many versions have series of their own; the others' are one, so that what is scraped stays small. */
const MOST_VERSIONS = 300;
const OTHERS = { module: "other", version: "other" };

interface Total {
  readonly labels: { module: string; version: string };
  requests: number;
  readonly errors: Record<RequestError, number>;
  /** Requests up to each bound, and all of them. */
  readonly upTo: number[];
  seconds: number;
  samples: number;
  received: number;
  sent: number;
}

/** What came of each version's requests since the gateway began, as Prometheus counts. */
export class VersionTotals {
  readonly #totals = new Map<string, Total>();

  /** Adds a row of all tenants. */
  add(row: MeasurementRow): void {
    const total = this.#totalOf(row);
    total.requests += row.requests;
    for (const name of REQUEST_ERRORS) total.errors[name] += row.errors[name] ?? 0;
    for (const [index, bucket] of row.latency.buckets.entries()) {
      const count = row.latency.counts[index] ?? 0;
      const seconds = bucketCeiling(bucket) / 1_000;
      total.samples += count;
      for (const [at, bound] of BOUNDS.entries()) if (seconds <= bound) total.upTo[at] = (total.upTo[at] ?? 0) + count;
    }
    total.seconds += row.latency.sum / 1_000;
    total.received += row.bytesReceived;
    total.sent += row.bytesSent;
  }

  metrics(): Metric[] {
    const totals = [...this.#totals.values()];
    const counter = (name: string, help: string, of: (total: Total) => number): Metric => ({
      name,
      help,
      type: "counter",
      samples: totals.map((total) => ({ labels: total.labels, value: of(total) })),
    });
    return [
      counter("aibos_gateway_requests_total", "Requests that ended, by version.", (total) => total.requests),
      {
        name: "aibos_gateway_request_errors_total",
        type: "counter",
        help: "Requests that went wrong, by version and how.",
        samples: totals.flatMap(({ labels, errors }) =>
          REQUEST_ERRORS.map((error) => ({ labels: { ...labels, error }, value: errors[error] })),
        ),
      },
      {
        name: "aibos_gateway_response_time_seconds",
        type: "histogram",
        help: "Time to the headers of a version's answer.",
        samples: totals.flatMap(histogramOf),
      },
      counter("aibos_gateway_received_bytes_total", "Content of requests, by version.", (total) => total.received),
      counter("aibos_gateway_sent_bytes_total", "Content of answers, by version.", (total) => total.sent),
    ];
  }

  #totalOf({ module, version }: MeasurementRow): Total {
    const known = this.#totals.get(`${module}@${version}`);
    if (known !== undefined) return known;
    const labels = this.#totals.size < MOST_VERSIONS ? { module, version } : OTHERS;
    const key = `${labels.module}@${labels.version}`;
    const total = this.#totals.get(key) ?? {
      labels,
      requests: 0,
      errors: { client: 0, server: 0, unreachable: 0, timeout: 0, broken: 0, clientGone: 0, cut: 0 },
      upTo: BOUNDS.map(() => 0),
      seconds: 0,
      samples: 0,
      received: 0,
      sent: 0,
    };
    this.#totals.set(key, total);
    return total;
  }
}

function histogramOf({ labels, upTo, seconds, samples }: Total): MetricSample[] {
  return [
    ...BOUNDS.map((bound, at) => ({
      suffix: "_bucket",
      labels: { ...labels, le: String(bound) },
      value: upTo[at] ?? 0,
    })),
    { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: samples },
    { suffix: "_sum", labels, value: seconds },
    { suffix: "_count", labels, value: samples },
  ];
}
