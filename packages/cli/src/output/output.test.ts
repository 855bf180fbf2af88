import { describe, expect, test } from "vitest";
import { readEnvironment } from "../config.ts";
import { sampleMigration, sampleStep, sampleSuccess } from "../testing/sample-answers.ts";
import { createColors } from "./colors.ts";
import { cutTo, padTo, widthOf } from "./display-width.ts";
import { createOutput } from "./output.ts";
import { oneLine, plainJson, plainText } from "./plain-text.ts";
import { sizeText } from "./size-text.ts";
import { stepEvents } from "./step-events.ts";
import { createStepView } from "./step-view.ts";
import { renderTable } from "./table.ts";
import { durationText, timeText } from "./time-text.ts";

const PLAIN = createColors(false, false);

describe("tables", () => {
  const columns = [
    { title: "id", cell: (row: { id: string }) => row.id },
    { title: "n", cell: (row: { n: number }) => row.n, align: "right" as const },
    { title: "text", cell: (row: { text: string | null }) => row.text },
  ];
  const rows = [
    { id: "a", n: 5, text: "short" },
    { id: "bcd", n: 1_200, text: null },
  ];

  test("columns are as wide as they need, numbers to the right, nothing as a dash", () => {
    expect(renderTable(rows, columns, { columns: undefined, colors: PLAIN }).split("\n")).toEqual([
      "id      n  text",
      "a       5  short",
      "bcd  1200  –",
    ]);
  });

  test("a row fits the terminal: the widest columns are cut", () => {
    const long = [{ id: "x".repeat(50), n: 1, text: "日本語のとても長いタイトルです、まだ続きます" }];
    const lines = renderTable(long, columns, { columns: 40, colors: PLAIN }).split("\n");
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(40);
    expect(lines[1]).toMatch(/^x+… +1 {2}日本.*…$/);
  });

  test("in a pipe nothing is cut", () => {
    const long = [{ id: "x".repeat(500), n: 1, text: "y".repeat(500) }];
    expect(renderTable(long, columns, { columns: undefined, colors: PLAIN })).toContain("y".repeat(500));
  });

  test("colours take no room", () => {
    const colors = createColors(true, false);
    const table = renderTable(rows, [{ ...columns[0]!, style: colors.red }, columns[1]!], { columns: 80, colors });
    expect(table.split("\n").map(widthOf)).toEqual([9, 9, 9]);
    expect(table).toContain("\u001b[31ma\u001b[39m");
  });
});

describe("text from elsewhere", () => {
  test("what could steer a terminal is shown as an escape", () => {
    expect(plainText("a\u001b[2Jb\u0007\u009b\u202e\u2066\r\nc\td\re")).toBe(
      "a\\u{1b}[2Jb\\u{7}\\u{9b}\\u{202e}\\u{2066}\nc  d\\u{d}e",
    );
    expect(oneLine(" a\r\n  b\n\nc ")).toBe("a b c");
    expect(oneLine("Ünïcödé 日本 👩‍👩‍👧")).toBe("Ünïcödé 日本 👩‍👩‍👧");
  });

  test("JSON stays the same value", () => {
    const value = { text: "\u001b\u007f\u009b\u202e\u2028 \n\t é" };
    expect(plainJson(value)).not.toMatch(/[\u007f-\u009f\u202e\u2028]/);
    expect(JSON.parse(plainJson(value))).toEqual(value);
  });

  test("widths are those of a terminal", () => {
    expect(padTo("日本", 6)).toBe("日本  ");
    expect(cutTo("日本語", 5)).toBe("日本…");
    expect(cutTo("日本語", 4)).toBe("日…");
    expect(cutTo("abc", 3)).toBe("abc");
    expect(cutTo("abc", 0)).toBe("");
  });
});

test("times, durations and sizes are for people", () => {
  expect(timeText("2027-01-31T09:30:59.123Z")).toBe("2027-01-31 09:30Z");
  expect([0, 85, 2_345, 59_999, 250_000, 7_500_000].map(durationText)).toEqual([
    "0 ms",
    "85 ms",
    "2.3 s",
    "1 min 0 s",
    "4 min 10 s",
    "2 h 5 min",
  ]);
  expect([0, 1_023, 1_536, 5_000_000_000].map(sizeText)).toEqual(["0 B", "1023 B", "1.5 KiB", "4.7 GiB"]);
});

describe("colours", () => {
  const support = (environment: Record<string, string>, isTTY: boolean): boolean =>
    createOutput({ json: false }, readEnvironment(environment), {
      out: { write: () => true, isTTY },
      err: { write: () => true },
    }).colors.isColorSupported;

  test("are for terminals, unless NO_COLOR or FORCE_COLOR say otherwise", () => {
    expect(support({}, true)).toBe(true);
    expect(support({}, false)).toBe(false);
    expect(support({ NO_COLOR: "1" }, true)).toBe(false);
    expect(support({ NO_COLOR: "" }, true)).toBe(true);
    expect(support({ FORCE_COLOR: "1" }, false)).toBe(true);
    expect(support({ FORCE_COLOR: "0" }, true)).toBe(false);
    expect(support({ NO_COLOR: "1", FORCE_COLOR: "1" }, true)).toBe(false);
    expect(support({ TERM: "dumb" }, true)).toBe(false);
  });
});

describe("steps", () => {
  test("each step is told once, and undoing in the order in which it happens", () => {
    const first = sampleMigration({ steps: [sampleStep(1), sampleStep(2, { status: "running" })] });
    expect(stepEvents(undefined, first).map(({ kind, title }) => `${kind} ${title}`)).toEqual(["succeeded Step 1"]);
    const second = sampleMigration({ steps: [sampleStep(1), sampleStep(2), sampleStep(3, { status: "failed" })] });
    expect(stepEvents(first, second).map(({ kind, title }) => `${kind} ${title}`)).toEqual([
      "succeeded Step 2",
      "failed Step 3",
    ]);
    const third = sampleMigration({
      steps: [
        sampleStep(1, { status: "undone" }),
        sampleStep(2, { status: "undone" }),
        sampleStep(3, { status: "failed" }),
      ],
    });
    expect(stepEvents(second, third).map(({ kind, title }) => `${kind} ${title}`)).toEqual([
      "undone Step 2",
      "undone Step 1",
    ]);
    expect(stepEvents(third, third)).toEqual([]);
  });

  test("on a terminal the step under way has a line of its own, which makes room for what ended", () => {
    let out = "";
    const output = createOutput({ json: false }, readEnvironment({ NO_COLOR: "1" }), {
      out: { write: (text) => (out += text), isTTY: true, columns: 40 },
      err: { write: () => true },
    });
    const view = createStepView(output);
    const title = "A step with a title that is too long for the line";
    view.update(sampleMigration({ steps: [sampleStep(1, { status: "running", title })] }));
    view.update(sampleSuccess());
    view.end();
    expect(out.replaceAll("\r\u001b[2K", "<rewind>")).toMatch(
      /^<rewind>\S A step with a title that is too long…<rewind>✔ Step 1 250 ms\n✔ Step 2/,
    );
  });
});
