/** One series of a metric: its labels, and its value. */
export interface MetricSample {
  /** What follows the metric's name, such as `_sum` of a histogram. */
  readonly suffix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

/** The media type of {@link prometheusText}. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Metrics in Prometheus' text format, version 0.0.4. Values of labels may be any text. */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(({ suffix = "", labels = {}, value }) => {
        const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escape(text).replaceAll('"', '\\"')}"`);
        return `${name}${suffix}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${numberText(value)}\n`;
      });
      return `# HELP ${name} ${escape(help)}\n# TYPE ${name} ${type}\n${lines.join("")}`;
    })
    .join("");
}

/** A metric of one series. */
export function metric(type: "counter" | "gauge", name: string, help: string, value: number): Metric {
  return { name, type, help, samples: [{ value }] };
}

/** What every process tells of itself, by the names that Prometheus' own clients use. */
export function processMetrics(process: {
  cpuUsage(): { user: number; system: number };
  memoryUsage: { rss(): number };
  uptime(): number;
}): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    metric("counter", "process_cpu_seconds_total", "CPU time that the process used.", (user + system) / 1e6),
    metric("gauge", "process_resident_memory_bytes", "Resident memory of the process.", process.memoryUsage.rss()),
    metric("gauge", "process_uptime_seconds", "How long the process has run.", process.uptime()),
  ];
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}
