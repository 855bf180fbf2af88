import { expect, test } from "vitest";
import { chooseDropped } from "./choose-dropped.ts";

const DAY = 86_400_000;
const NOW = 1_000 * DAY;
const copies = [0, 1, 2, 9, 40].map((days) => ({ days, at: NOW - days * DAY }));

test.each([
  ["the newest ones", { keepLast: 2, keepDays: null }, [2, 9, 40]],
  ["the young ones", { keepLast: null, keepDays: 9 }, [9, 40]],
  ["what is new or young", { keepLast: 4, keepDays: 2 }, [40]],
  ["what is new or young, the other way", { keepLast: 1, keepDays: 9 }, [9, 40]],
  ["everything", { keepLast: null, keepDays: null }, []],
  ["nothing", { keepLast: 0, keepDays: null }, [0, 1, 2, 9, 40]],
])("a policy keeps %s", (_what, keep, dropped) => {
  expect(chooseDropped(copies, keep, NOW).map(({ days }) => days)).toEqual(dropped);
});
