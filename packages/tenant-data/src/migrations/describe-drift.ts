/** So much of a line is shown. */
const SHOWN = 120;

/** Where two versions of a file part: the first line that differs, as it was and as it is. */
export function describeDrift(before: string, now: string): string {
  const was = before.split("\n");
  const is = now.split("\n");
  const line = was.findIndex((text, index) => text !== is[index]);
  const index = line === -1 ? was.length : line;
  return `line ${index + 1} was ${show(was[index])} and is ${show(is[index])}`;
}

function show(line: string | undefined): string {
  if (line === undefined) return "not there";
  return JSON.stringify(line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line);
}
