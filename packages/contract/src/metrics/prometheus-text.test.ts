import { expect, test } from "vitest";
import { metric, prometheusText } from "./prometheus-text.ts";

test("metrics are written in Prometheus' text format, whatever is in a label", () => {
  const text = prometheusText([
    metric("gauge", "routes", "Routes that\nare known.", 3),
    {
      name: "requests_total",
      type: "counter",
      help: "Requests.",
      samples: [
        { labels: { module: "notes", version: "1.0.0" }, value: 12 },
        { labels: { module: 'a"b\\c\nd' }, value: 0.5 },
      ],
    },
    {
      name: "seconds",
      type: "histogram",
      help: "Time.",
      samples: [
        { suffix: "_bucket", labels: { le: "+Inf" }, value: 2 },
        { suffix: "_sum", value: Number.POSITIVE_INFINITY },
        { suffix: "_count", value: Number.NaN },
      ],
    },
  ]);
  expect(text).toBe(
    [
      "# HELP routes Routes that\\nare known.",
      "# TYPE routes gauge",
      "routes 3",
      "# HELP requests_total Requests.",
      "# TYPE requests_total counter",
      'requests_total{module="notes",version="1.0.0"} 12',
      'requests_total{module="a\\"b\\\\c\\nd"} 0.5',
      "# HELP seconds Time.",
      "# TYPE seconds histogram",
      'seconds_bucket{le="+Inf"} 2',
      "seconds_sum +Inf",
      "seconds_count NaN",
      "",
    ].join("\n"),
  );
});
