import type { MigrationStep } from "@aibos/contract";
import { oneLine } from "./plain-text.ts";

/** What became of a tenant's values of flags in a move, in lines; none where it had none. */
export function carriedFlagsLines(steps: readonly MigrationStep[]): string[] {
  const detail = steps.find(({ name, status }) => name === "carry-flags" && status === "succeeded")?.detail ?? {};
  const changed = (["renamed", "converted"] as const).flatMap((how) =>
    textsOf(detail[how]).map((one) => `${one} ${how}`),
  );
  const kept = typeof detail["kept"] === "number" && detail["kept"] > 0 ? [`${detail["kept"]} as they were`] : [];
  const came = [...kept, ...changed];
  return [
    ...(came.length === 0 ? [] : [`  ${oneLine(`Values of flags came along: ${came.join(", ")}.`)}`]),
    ...conflictsOf(detail["conflicts"]).map(
      (conflict) => `  ${oneLine(`A flag's value did not come along: ${conflict}`)}`,
    ),
  ];
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

function conflictsOf(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.map(({ flag, user, reason }: Readonly<Record<string, string | undefined>>) => {
    const whose = user === undefined ? "" : ` (user ${user})`;
    return `${flag}${whose}: ${reason}`;
  });
}
