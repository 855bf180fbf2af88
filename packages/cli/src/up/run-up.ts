import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Output } from "../output/output.ts";
import { createUpScreen } from "../output/up-screen.ts";
import { followLog } from "./log-follower.ts";
import { createLocalPlatform, type PlatformOptions } from "./platform.ts";

export interface UpOptions extends Omit<PlatformOptions, "onEvent"> {
  readonly verbose: boolean;
  /** Also stop when standard input closes. */
  readonly stopWithParent: boolean;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs a platform in the foreground until it is told to stop: by Ctrl-C or SIGTERM, or because the process that started
 * it is gone. The second Ctrl-C ends everything at once; the embedded PostgreSQL and the modules' processes then go on,
 * and the next start takes them over.
 *
 * @throws ProgramStartError when a part can't start
 */
export async function runUp(options: UpOptions, output: Output): Promise<ExitCode> {
  const screen = createUpScreen(output);
  const ends: (() => void)[] = [];
  // After a second Ctrl-C, what still happens is nobody's news.
  let ended = false;
  const platform = createLocalPlatform({
    ...options,
    onEvent: (event) => {
      if (ended) return undefined;
      if (event.type !== "log") return screen.show(event);
      if (options.verbose) ends.push(followLog(event.logFile, (text) => screen.log(event.program, text)));
      return undefined;
    },
  });

  const asked = Promise.withResolvers<void>();
  const killed = Promise.withResolvers<void>();
  let stopping = false;
  const stop = (): void => {
    if (stopping) {
      platform.kill();
      killed.resolve();
    }
    stopping = true;
    asked.resolve();
  };
  const gone = (): void => {
    if (!stopping) stop();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  process.once("disconnect", gone);
  process.channel?.unref();
  if (options.stopWithParent) process.stdin.resume().once("close", gone);

  const run = async (): Promise<ExitCode> => {
    const started = platform.start();
    try {
      const address = await Promise.race([started, asked.promise]);
      if (address !== undefined) {
        screen.ready(address);
        await asked.promise;
      }
      screen.stopping();
      await platform.stop();
      await started.catch(() => undefined);
    } catch (error) {
      if (!stopping) throw error;
    }
    if (!ended) screen.stopped();
    return EXIT.ok;
  };

  try {
    return await Promise.race([run(), killed.promise.then(() => EXIT.interrupted)]);
  } finally {
    ended = true;
    screen.end();
    for (const end of ends) end();
    for (const signal of SIGNALS) process.off(signal, stop);
    process.off("disconnect", gone);
    if (options.stopWithParent) process.stdin.pause().off("close", gone);
  }
}
