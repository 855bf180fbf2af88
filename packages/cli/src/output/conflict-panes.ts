import type { CustomizationConflict } from "@aibos/contract";
import type { Colors } from "./colors.ts";
import { cutTo, padTo, widthOf } from "./display-width.ts";
import { oneLine, plainText } from "./plain-text.ts";

/** Lines of a pane at most; the editor shows all of them. */
const MAX_LINES = 24;
const GAP = " │ ";

/** One line: what it is about, and how many wait. */
export function conflictTitle({ name, path, kind, tenants, from, to, detail }: CustomizationConflict): string {
  const place = path === "" ? name : `${name} ${path}`;
  const waiting = tenants === 1 ? "1 tenant" : `${tenants} tenants`;
  return oneLine(`${place}: ${kind}, ${from} → ${to}, ${waiting}${detail === null ? "" : ` (${detail})`}`);
}

/** The old default, the tenant's and the new default beside each other, each with what it changed in colour. */
export function conflictPanes(conflict: CustomizationConflict, columns: number, colors: Colors): string {
  const { base, ours, theirs, from, to } = conflict;
  const width = Math.max(12, Math.floor((columns - 2 * GAP.length) / 3));
  const panes = [
    { title: `default of ${from}`, value: base },
    { title: "tenant's", value: ours },
    { title: `default of ${to}`, value: theirs },
  ].map(({ title, value }) => ({ title, lines: linesOf(value, width) }));
  const old = new Set(panes[0]?.lines);
  const height = Math.min(MAX_LINES, Math.max(...panes.map(({ lines }) => lines.length)));
  const row = (cells: readonly string[]): string =>
    cells
      .map((cell) => padTo(cell, width))
      .join(GAP)
      .trimEnd();
  const rows = Array.from({ length: height }, (_, line) =>
    row(
      panes.map(({ lines }, pane) => {
        const text = lines[line] ?? "";
        if (pane === 0 || old.has(text)) return text;
        return pane === 1 ? colors.cyan(text) : colors.magenta(text);
      }),
    ),
  );
  const hidden = Math.max(...panes.map(({ lines }) => lines.length)) - height;
  return [
    row(panes.map(({ title }) => colors.bold(cutTo(title, width)))),
    ...rows,
    ...(hidden > 0 ? [colors.dim(`… ${hidden} more lines; e shows them all`)] : []),
  ].join("\n");
}

function linesOf(value: unknown, width: number): string[] {
  return valueText(value)
    .replace(/\n$/, "")
    .split("\n")
    .flatMap((line) => wrap(plainText(line), width));
}

/** A value of a conflict as text: a text as it is, anything else as JSON. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return "(nothing)";
  return typeof value === "string" && value.includes("\n") ? value : JSON.stringify(value, null, 2);
}

function wrap(line: string, width: number): string[] {
  const lines: string[] = [];
  let rest = line;
  while (widthOf(rest) > width) {
    const head = cutTo(rest, width).slice(0, -1);
    if (head === "") break;
    lines.push(head);
    rest = rest.slice(head.length);
  }
  return [...lines, rest];
}
