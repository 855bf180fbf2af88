import { TOO_MUCH_WORK, WRONG_ARGUMENTS } from "./logic-failure.ts";
import type { LogicClosure, LogicFrame } from "./logic-frame.ts";
import { isTruthy } from "./truthy.ts";

type MakeList = (list: LogicClosure, body: LogicClosure, start: LogicClosure | undefined) => LogicClosure;

function elementsOf(list: LogicClosure, frame: LogicFrame, item: unknown): readonly unknown[] {
  const value = list(frame, item);
  const elements: unknown = isTruthy(value) ? value : [];
  if (!Array.isArray(elements)) throw WRONG_ARGUMENTS;
  frame.steps -= elements.length;
  if (frame.steps < 0) throw TOO_MUCH_WORK;
  return elements;
}

/** Keeps what is added up flat, so that it can't grow without bound: the field's engine has the same limit. */
function flat(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const parts: readonly unknown[] = Object.values(value);
  if (parts.length > 1_000 || parts.some((part) => typeof part === "object" && part !== null)) throw TOO_MUCH_WORK;
  return value;
}

/** Operations that evaluate a body for each element of a list, which `var` then means. */
export const LIST_BODIES: Readonly<Record<string, MakeList>> = {
  map: (list, body) => (frame, item) => elementsOf(list, frame, item).map((element) => body(frame, element)),
  filter: (list, body) => (frame, item) =>
    elementsOf(list, frame, item).filter((element) => isTruthy(body(frame, element))),
  some: (list, body) => (frame, item) =>
    elementsOf(list, frame, item).some((element) => isTruthy(body(frame, element))),
  none: (list, body) => (frame, item) =>
    !elementsOf(list, frame, item).some((element) => isTruthy(body(frame, element))),
  all: (list, body) => (frame, item) => {
    const elements = elementsOf(list, frame, item);
    return elements.length > 0 && elements.every((element) => isTruthy(body(frame, element)));
  },
  reduce: (list, body, start) => (frame, item) => {
    const elements = elementsOf(list, frame, item);
    const add = (accumulator: unknown, current: unknown): unknown => flat(body(frame, { accumulator, current }));
    if (start !== undefined) return elements.reduce(add, flat(start(frame, item)));
    if (elements.length === 0) throw WRONG_ARGUMENTS;
    return elements.reduce(add);
  },
};
