import { expect, test } from "vitest";
import { roomProblems } from "./check-room.ts";

const MIB = 1_048_576;

test.each([
  ["room for the copy and for what changes", 100 * MIB, 200 * MIB, []],
  ["room for the copy alone", 100 * MIB, 150 * MIB, ["AIBOS_ROOM_SHORT warning"]],
  ["no room for the copy", 100 * MIB, 99 * MIB, ["AIBOS_ROOM_SHORT error"]],
  ["little data on a server elsewhere", 100 * MIB, undefined, []],
  ["much data on a server elsewhere", 1_024 * MIB, undefined, ["AIBOS_ROOM_UNKNOWN warning"]],
])("%s", (_case, bytes, free, problems) => {
  expect(roomProblems(bytes, free).map(({ code, severity }) => `${code} ${severity}`)).toEqual(problems);
});
