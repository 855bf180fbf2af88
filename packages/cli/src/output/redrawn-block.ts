import { widthOf } from "./display-width.ts";
import type { Output } from "./output.ts";

/** Text of several lines that is written anew in its place; one after the other where nothing can be written over. */
export interface RedrawnBlock {
  show(text: string): void;
}

export function createRedrawnBlock(output: Output): RedrawnBlock {
  let rows = 0;
  return {
    show(text) {
      // Up to where the block began, and nothing stays below it.
      const back = output.live && rows > 0 ? `\u001b[${rows}A\r\u001b[J` : "";
      const gap = !output.live && rows > 0 ? "\n" : "";
      output.text(`${back}${gap}${text}\n`);
      const columns = output.columns ?? Number.POSITIVE_INFINITY;
      rows = text.split("\n").reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
    },
  };
}
