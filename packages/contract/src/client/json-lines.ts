/** Reads newline-delimited JSON as it arrives. Blank lines, which keep a connection alive, are skipped. */
export async function* readJsonLines(response: Response): AsyncGenerator {
  if (response.body === null) return;
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
}
