import { open, stat } from "node:fs/promises";

const POLL_MS = 200;

/** Passes on what is appended to a log from now on. Ends by the returned function. */
export function followLog(path: string, onText: (text: string) => void): () => void {
  let at: number | undefined;
  let busy = false;
  const look = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      const size = (await stat(path).catch(() => undefined))?.size ?? 0;
      at ??= size;
      if (size < at) at = 0;
      if (size > at) {
        const file = await open(path, "r");
        const buffer = Buffer.alloc(Math.min(size - at, 1024 * 1024));
        try {
          const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
          at += bytesRead;
          onText(buffer.toString("utf8", 0, bytesRead));
        } finally {
          await file.close();
        }
      }
    } finally {
      busy = false;
    }
  };
  void look();
  const timer = setInterval(() => void look(), POLL_MS).unref();
  return () => clearInterval(timer);
}
