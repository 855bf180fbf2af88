import { cutTo } from "./display-width.ts";
import type { Output } from "./output.ts";
import { durationText } from "./time-text.ts";

/** A line that tells what is under way, with a spinner and the time it takes. Nothing where no line can be rewritten. */
export interface LiveLine {
  show(text: string): void;
  clear(): void;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;
/** Time is shown once somebody could wonder. */
const SHOW_TIME_MS = 2_000;

export function createLiveLine(output: Output): LiveLine {
  if (!output.live) return { show: () => undefined, clear: () => undefined };
  let timer: NodeJS.Timeout | undefined;
  let shown = "";
  let since = 0;
  let frame = 0;

  const draw = (): void => {
    const elapsed = performance.now() - since;
    const time = elapsed < SHOW_TIME_MS ? "" : ` ${durationText(elapsed)}`;
    frame = (frame + 1) % FRAMES.length;
    output.overwrite(`${output.colors.cyan(FRAMES[frame] ?? "")} ${cutTo(shown + time, (output.columns ?? 80) - 3)}`);
  };

  return {
    show: (text) => {
      if (text !== shown || timer === undefined) since = performance.now();
      shown = text;
      timer ??= setInterval(draw, FRAME_MS).unref();
      draw();
    },
    clear: () => {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      output.overwrite("");
    },
  };
}
